#!/usr/bin/env bash
# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
#
# Fuzzes every target for its share of SECONDS, or only those named, and prints what came of it. New inputs are kept in
# fuzz-output/corpus, and the inputs that broke something in fuzz-output/crashes: put those into Tests/Fuzz/Corpus once
# the fault is mended. Fails when there was one.
#
#     Tests/Fuzz/fuzz.sh PROGRAM SECONDS [TARGET…]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

program=$1 seconds=$2
shift 2
if [ $# -eq 0 ]; then mapfile -t targets < <("$program" targets); else targets=("$@"); fi
share=$((seconds / ${#targets[@]}))
[ "$share" -gt 0 ] || share=1

# A crash must end the process at once. What Swift keeps for the life of the process is no leak.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16
output=fuzz-output
mkdir -p "$output/corpus" "$output/crashes" "$output/logs"
failed=0
row='%-14s %12s %8s %8s %9s %8s\n'

value() { sed -n "$2" "$1" | tail -n 1; }

# shellcheck disable=SC2059
printf "$row" target runs runs/s inputs coverage crashes
for target in "${targets[@]}"; do
    log=$output/logs/$target.log
    mkdir -p "$output/corpus/$target"
    before=$(find "$output/crashes" -name "$target-*" | wc -l)
    # Inputs as long as most messages; memory that no target needs; two minutes for one input, since a busy machine may
    # not run this for long.
    NARU_FUZZ_TARGET=$target "$program" -max_total_time="$share" -max_len=4096 -rss_limit_mb=600 -malloc_limit_mb=128 \
        -timeout=120 -report_slow_units=120 -print_final_stats=1 -artifact_prefix="$output/crashes/$target-" \
        "$output/corpus/$target" "Tests/Fuzz/Corpus/$target" >"$log" 2>&1 || failed=1
    after=$(find "$output/crashes" -name "$target-*" | wc -l)
    # shellcheck disable=SC2059
    printf "$row" "$target" "$(value "$log" 's/^stat::number_of_executed_units: *//p')" \
        "$(value "$log" 's/^stat::average_exec_per_sec: *//p')" \
        "$(value "$log" 's|.* corp: \([0-9]*\)/.*|\1|p')" "$(value "$log" 's/.* cov: \([0-9]*\) .*/\1/p')" \
        "$((after - before))"
done
if [ "$failed" -ne 0 ]; then
    echo "Something broke: see $output/crashes and $output/logs." >&2
    exit 1
fi
