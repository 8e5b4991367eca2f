#!/usr/bin/env bash
# Usage: profile.sh [-s SCENARIOS] [-c CONNECTIONS] [-d SECONDS] [-l LOOPS] [-n LINES] [-o]
#
#   -s a,b,c,d   scenarios, as in bench.sh
#   -c 256       connections
#   -d 5         seconds
#   -l N         event loops; as many as processors by default
#   -n 30        functions to list
#   -o           profile the empty handler instead
#
# Says where a release build spends its time under load: by thread, by room (the folder under src, or the library), by
# system call and by function, each in microseconds of processor time a request. Samples the clock with perf, so it
# works where there are no hardware counters. Waiting is not in it: for that see commits and batches in bench.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

scenarios=a,b,c,d connections=256 seconds=5 lines=30 chosen_loops='' of_empty=0
while getopts s:c:d:l:n:o option; do
    case $option in
    s) scenarios=$OPTARG ;;
    c) connections=$OPTARG ;;
    d) seconds=$OPTARG ;;
    l) chosen_loops=$OPTARG ;;
    n) lines=$OPTARG ;;
    o) of_empty=1 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
done
command -v perf >/dev/null || {
    echo "profile.sh: perf is missing (package linux-perf)" >&2
    exit 1
}

# shellcheck source=tools/load/common.sh
. tools/load/common.sh
loops=${chosen_loops:-$loops}
HERTZ=1999

# Lines "symbol room": ours by the folder of the object, the rest by library.
list_rooms() {
    local object
    for object in "$build"/src/*/*.o "$build"/src/*.o; do
        nm --defined-only "$object" |
            awk -v room="$(dirname "${object#"$build"/}")" '$2 ~ /[tTwW]/ { print $3, room }'
    done
    for object in "${build%/*}/vendor/${build##*/}"/lib/*.a; do
        nm --defined-only "$object" 2>/dev/null |
            awk -v room="$(basename "$object" .a)" '$2 ~ /[tTwW]/ { print $3, room }'
    done
}

profile() { # SCENARIO
    local pid url result
    start_server "$1"
    start_empty "$1"
    pid=$server_pid url=$server_url
    [ "$of_empty" = 0 ] || pid=$empty_pid url=$empty_url
    load "$1" "$url" "$connections" 2 >/dev/null
    perf record -q -e cpu-clock -F "$HERTZ" -g -p "$pid" -o "$work/perf.data" -- sleep "$seconds" 2>"$work/perf.log" &
    local recorder=$!
    result=$(load "$1" "$url" "$connections" "$seconds")
    wait "$recorder" || die "$(cat "$work/perf.log")"
    stop_empty
    echo
    echo "== ($1) $(title "$1"), $connections connections"
    perf script -i "$work/perf.data" -F comm,tid,ip,sym,dso 2>/dev/null |
        awk -v result="$result" -v hertz="$HERTZ" -v lines="$lines" -f tools/load/profile.awk "$work/rooms" -
    stop_server
}

list_rooms >"$work/rooms"
IFS=, read -ra scenario_list <<<"$scenarios"
for scenario in "${scenario_list[@]}"; do
    profile "$scenario"
done
