#!/usr/bin/env bash
# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
#
# Checks the models of this folder exhaustively, and that each of their mutations is found out. README.md says what
# they cover.
# usage: check.sh [WORD…]      only the cases that contain every WORD, such as `death WEAK`
# Exits with 1 when a case does not end as expected. Everything is built in a temporary folder.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

missing=()
for tool in spin gcc; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
    echo "missing: ${missing[*]}. On Debian: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

# What is expected, the model, the memory, the mutation (or -), further definitions.
#
#     holds      every state was visited: no assertion fails, and no run stops early: nobody sleeps for ever
#     ends       every state was visited: no run goes on for ever
#     found      the mutation breaks what holds without it
#     harmless   it does not; README.md says why the step is there all the same
cases() {
    cat <<'CASES'
holds ring SC -
holds ring TSO -
holds ring WEAK -
holds ring SC - RING=8 RECORDS=4
holds ring TSO - RING=6 RECORDS=5
holds ring WEAK - RING=6 RECORDS=4
ends ring SC -
holds arming SC -
holds arming TSO -
holds arming WEAK -
ends arming WEAK - RECORDS=2 CAPACITY=1
holds arming SC - COVERED=1
holds arming TSO - COVERED=1
holds arming WEAK - COVERED=1 RECORDS=2 CAPACITY=1
holds arming WEAK - COVERED=1 RECORDS=3 CAPACITY=3
holds growth SC - LARGE=0
holds growth TSO - LARGE=0
holds growth WEAK - LARGE=0
holds growth SC - LARGE=0 RECORDS=4 CAPACITY=5
holds growth SC - RECORDS=2
holds growth TSO - RECORDS=2
holds growth WEAK - RECORDS=2
ends growth SC - LARGE=0
ends growth SC - RECORDS=2
holds bell SC -
holds bell WEAK -
ends bell SC -
holds death SC - VICTIM=WRITER RECORDS=3
holds death TSO - VICTIM=WRITER
holds death WEAK - VICTIM=WRITER
ends death SC - VICTIM=WRITER
holds death SC - VICTIM=READER
holds death TSO - VICTIM=READER
holds death WEAK - VICTIM=READER
ends death SC - VICTIM=READER
holds finish SC -
ends finish SC -
found ring WEAK COMMIT_RELAXED
found ring SC HEADER_RELAXED
found ring SC NO_ZERO
found ring SC ZERO_AFTER_COMMIT
found ring SC NO_ROOM_FOR_ZERO
found ring SC NO_ROOM_CHECK
found ring SC NO_PADDING
found ring SC HELD_WHILE_FULL
found ring SC RELEASE_BEFORE_READ
found arming TSO COMMIT_RELEASING
found arming TSO ARM_RELEASING
found arming WEAK ARMED_LOOK_ACQUIRING
found arming WEAK LOOK_ACQUIRING
found arming SC ARMED_LOOK_FIRST
found arming SC LOOK_BEFORE_ARM
found arming SC NO_LOOK
found arming SC PREPARE_LATE
found arming SC DISARM_BEFORE_SLEEP
found arming SC HELD_WHILE_FULL
found arming SC WAKE_BY_STORE
found arming SC WAKE_KEEPS_WORD
found arming SC FUTEX_WITHOUT_COMPARISON
found arming SC NO_PERMIT
found arming SC WAKE_OUTSIDE_LOCK
found arming SC WORD_ZEROED_AFTER_WAKE
found arming TSO NO_IMPOSED_FENCE COVERED=1
found arming TSO COVER_ENDS_LATE COVERED=1
harmless arming TSO COVER_ENDS_FIRST COVERED=1
harmless arming WEAK NO_DISARM
found growth SC SWITCH_WAKES_NOBODY LARGE=0
found growth SC SWITCH_UNANSWERED LARGE=0
found growth SC KEPT_BACK LARGE=0
found growth SC HELD_WHILE_FULL LARGE=0
found growth SC FOLLOW_WAKES_NOBODY RECORDS=2
found growth SC ANSWER_WAKES_NOBODY RECORDS=2
found growth SC SLOT_GIVEN_BACK_FIRST RECORDS=2
found growth SC SLOT_WRITTEN_LATE RECORDS=2
harmless growth SC SLOT_WAKES_NOBODY RECORDS=2
harmless growth SC SLOT_HELD RECORDS=2
found bell SC TOOK_WAKES_NO_LANE
found bell SC CUT_BELL_UNWATCHED
found bell SC READ_AFTER_WAKE
found death SC FLAG_AFTER_WAKE VICTIM=WRITER
found death SC FLAG_AFTER_WAKE VICTIM=READER
found death SC WORD_NOT_ZEROED VICTIM=WRITER
found death SC WORD_NOT_ZEROED VICTIM=READER
found death SC WORD_ZEROED_AFTER_WAKE VICTIM=READER
found death SC NO_CLOSED_LOOK VICTIM=WRITER
found death SC NO_CLOSED_LOOK VICTIM=READER
found death SC NO_PERMIT VICTIM=WRITER
found death SC NO_WAKE VICTIM=WRITER
found death SC NO_LAST_DRAIN VICTIM=WRITER
found death SC GONE_BEFORE_PUBLISH VICTIM=WRITER
found death WEAK NEWS_BEFORE_STORES VICTIM=WRITER
harmless death WEAK GONE_LOOK_LAST VICTIM=WRITER
harmless death WEAK CLOSE_WITHOUT_WAKE VICTIM=WRITER
harmless death WEAK CLOSE_WITHOUT_WAKE VICTIM=READER
found finish SC PREPARE_LATE
found finish SC CLOSED_AFTER_TOOK
found finish SC TOOK_AFTER_WAKE
found finish SC DEATH_BEFORE_PENDING
CASES
}

work=$(mktemp -d)
running=()
tidy() {
    for job in "${running[@]}"; do kill -- "-$job" 2>/dev/null || true; done
    rm -rf -- "$work"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Checks one case in a folder of its own; leaves its row of the table in the file `row`, and the file `failed` when it
# did not end as expected.
check() {
    local folder=$1 expected=$2 model=$3 memory=$4 mutation=$5
    shift 5
    local definitions=("-DMEMORY_$memory" "${@/#/-D}")
    if [ "$mutation" != - ]; then definitions+=("-DMUTATION_$mutation"); fi
    # The reduction of states is not sound for processes that can be killed at any step; the other models don't need it.
    local compile=(-O1 -w -DNOREDUCE) run=(-m100000)
    case "$model" in ring | arming | growth) compile=(-O1 -w) ;; esac
    if [ "$expected" != found ]; then compile+=(-O2); run+=(-w24); else run+=(-w20); fi
    if [ "$expected" = ends ]; then compile+=(-DNP); run+=(-l); fi

    cd -- "$folder"
    spin -a "${definitions[@]}" "$here/$model.pml" >build 2>&1 || true
    local verdict=failed
    if [ ! -s pan.c ] || grep -q Error build || ! gcc "${compile[@]}" -o pan pan.c >>build 2>&1; then
        verdict="does not build: $(tail -n 1 build)"
    else
        # Within 6 GB and 5 minutes, so that a model that has grown too large says so.
        (ulimit -v 6000000 && exec timeout 300 ./pan "${run[@]}") >out 2>&1 || true
        local complete=no error
        if grep -q '^Full statespace search for:' out; then
            grep -qE 'not completed|depth too small|out of memory|aborted' out || complete=yes
        fi
        error=$(sed -n 's/^pan:1: //p' out | head -n 1)
        error=${error% (at depth*}
        case "$expected:$complete:$(grep -c 'errors: 0$' out)" in
        holds:yes:1) verdict=holds ;;
        ends:yes:1) verdict="every run ends" ;;
        harmless:yes:1) verdict="harmless" ;;
        found:no:0) if [ -n "$error" ]; then verdict="found: $error"; fi ;;
        *) if [ -n "$error" ]; then verdict="FAILED: $error"; else verdict="FAILED: not found, or not complete"; fi ;;
        esac
    fi
    case "$expected:$verdict" in
    holds:holds | ends:every* | harmless:harmless | found:found:*) ;;
    *)
        cp build failed
        if [ -f out ]; then sed '/^unreached/,$d' out >>failed; fi
        if [ -f "$model.pml.trail" ]; then
            echo "How it came to that, the last steps:" >>failed
            spin -k "$model.pml.trail" -p -g "${definitions[@]}" "$here/$model.pml" 2>&1 | tail -n 120 >>failed || true
        fi
        ;;
    esac
    local states depth seconds
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' out 2>/dev/null | head -n 1)
    depth=$(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' out 2>/dev/null | head -n 1)
    seconds=$(sed -n 's/^pan: elapsed time \([0-9.e+-]*\) seconds.*/\1/p' out 2>/dev/null | head -n 1)
    # The layout is this script's own.
    # shellcheck disable=SC2059
    printf "$layout" "$model" "$memory" "${mutation#-} $*" "${states:--}" "${depth:--}" "${seconds:--}" "$verdict" >row
    rm -f pan pan.* ./*.trail
}

layout='%-7s %-5s %-42s %10s %6s %8s  %s\n'
# shellcheck disable=SC2059
printf "$layout" model memory "mutation, definitions" states depth seconds verdict

# Several at a time, as many as there are cores; the table is in the order of the cases.
set -m
number=0 failures=0 next=0
folders=()
take() {
    wait "${running[0]}" || true
    running=("${running[@]:1}")
    local folder=${folders[$next]}
    next=$((next + 1))
    cat "$folder/row" 2>/dev/null || echo "a case ended without a result"
    if [ -e "$folder/failed" ] || [ ! -e "$folder/row" ]; then
        failures=$((failures + 1))
        cat "$folder/failed" 2>/dev/null || true
    fi
    rm -rf -- "$folder"
}
while read -r line; do
    for word in "$@"; do
        case " $line " in *" $word "*) ;; *) continue 2 ;; esac
    done
    if [ ${#running[@]} -ge "$(nproc)" ]; then take; fi
    number=$((number + 1))
    mkdir -- "$work/$number"
    folders+=("$work/$number")
    # The words of the line are the arguments.
    # shellcheck disable=SC2086
    check "$work/$number" $line &
    running+=($!)
done < <(cases)
while [ ${#running[@]} -gt 0 ]; do take; done

echo "$number cases, $failures not as expected, ${SECONDS} seconds"
[ "$number" -gt 0 ] && [ "$failures" = 0 ]
