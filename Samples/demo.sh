#!/usr/bin/env bash
# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
#
# Moves one file between two processes, by different mechanisms and without a change to either program, and within one.
# usage: demo.sh FOLDER-OF-THE-PROGRAMS [FILE]        Exits with 1 when a file did not arrive unchanged.
set -euo pipefail
export LC_ALL=C.UTF-8

programs=$(realpath -- "${1:?usage: demo.sh FOLDER-OF-THE-PROGRAMS [FILE]}")
file=$(realpath -- "${2:-$programs/naru}")

# Nothing of this machine's own configuration but the size of the samples' records; a place of our own to meet.
for variable in $(compgen -e NARU_ || true); do unset "$variable"; done
export NARU_LINKS_FRAMES_MESSAGE_BYTES=65536
# In memory where there is room for two copies, so that it is not the disk that is measured.
place=${TMPDIR:-/tmp}
room=$(df --output=avail -B1 /dev/shm 2>/dev/null | tail -n 1 || true)
if [ -w /dev/shm ] && [ "${room:-0}" -gt $((2 * $(stat -c %s -- "$file"))) ]; then place=/dev/shm; fi
work=$(mktemp -d -p "$place")
children=()
tidy() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    rm -rf -- "$work"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export NARU_RUNTIME_DIR=$work/run
cd "$work"

# The value of a line `KEY: VALUE` of a program's report; a dash where there is none.
value() { sed -n "s/^$1: //p" "$2" | tail -n 1 | grep . || echo -; }

hash_of() { sha256sum -- "$1" | cut -c 1-12; }

rows=()
row() { rows+=("$(IFS=$'\t'; echo "$*")"); }
row "case" "transport" "why" "messages" "MB/s" "wire bytes" "SHA-256"
expected=$(hash_of "$file")
status=0

# report NAME: one row from the sender's report and the file that arrived.
report() {
    local hash mark="✗" rate
    hash=$(hash_of out 2>/dev/null || true)
    if cmp -s -- "$file" out; then mark="✓"; else status=1; fi
    rate=$(awk -v b="$(value bytes sent)" -v s="$(value seconds sent)" \
        'BEGIN { if (s > 0) printf "%.0f", b / s / 1e6; else print "-" }')
    row "$1" "$(value transport sent)" "$(value why sent)" "$(value messages sent)" "$rate" \
        "$(value 'wire bytes' sent)" "${hash:-none} $mark"
    if [ "$mark" = "✗" ]; then
        printf '%s: not the file that was sent (%s)\n' "$1" "$expected" >&2
        cat sent received >&2
    fi
    rm -f out sent received
}

# between NAME [VARIABLE=VALUE]...: Producer and Consumer, with these variables.
between() {
    local name=$1 failed=0
    shift
    env "$@" "$programs/Consumer" frames out 2>received &
    local consumer=$!
    env "$@" "$programs/Producer" frames "$file" 2>sent &
    local producer=$!
    children=("$consumer" "$producer")
    wait "$producer" || failed=1
    wait "$consumer" || failed=1
    children=()
    if [ "$failed" = 1 ]; then status=1; cat sent received >&2; fi
    report "$name"
}

between "two processes"
between "unix-socket forced" NARU_LINKS_FRAMES_TRANSPORTS=unix-socket
between "tcp forced" NARU_LINKS_FRAMES_TRANSPORTS=tcp
between "zstd forced" NARU_LINKS_FRAMES_COMPRESSION=zstd

: >received
"$programs/OneProcess" "$file" out 2>sent &
children=("$!")
wait "$!" || { status=1; cat sent >&2; }
children=()
report "one process"

# The table: columns as wide as their widest cell, numbers to the right.
printf '\n%s, %s bytes, SHA-256 %s…\n\n' "$file" "$(stat -c %s -- "$file")" "$expected"
widths=(0 0 0 0 0 0 0)
for line in "${rows[@]}"; do
    IFS=$'\t' read -r -a cells <<<"$line"
    for i in "${!cells[@]}"; do ((${#cells[i]} > widths[i])) && widths[i]=${#cells[i]}; done
done
for line in "${rows[@]}"; do
    IFS=$'\t' read -r -a cells <<<"$line"
    text=""
    for i in "${!widths[@]}"; do
        cell=${cells[i]:-}
        printf -v fill '%*s' $((widths[i] - ${#cell})) ""
        if ((i >= 3 && i <= 5)); then text+="$fill$cell"; else text+="$cell$fill"; fi
        text+="  "
    done
    printf '%s\n' "${text%"${text##*[![:space:]]}"}"
done
printf '\n'
exit "$status"
