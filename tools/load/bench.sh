#!/usr/bin/env bash
# Usage: bench.sh [-s SCENARIOS] [-c CONNECTIONS] [-d SECONDS] [-r ROUNDS] [-w SECONDS] [-l LOOPS] [-q PERCENT]
#                 [-v VISITORS] [-m]
#
#   -s a,b,c,d,start,streams,sql,search
#                      what to measure: a create conversations, b send messages, c show a conversation, d health,
#                      start start-up and memory, streams 5,000 of them open, sql questions in SQL beside SQLite and
#                      PostgreSQL (see sql.sh), search the search index beside SQLite's FTS5 (see search.sh); and e,
#                      which is c spread over 1,000 conversations
#   -c 64,256          numbers of connections
#   -d 5               seconds of one measurement
#   -r 3               rounds; in each the server and the empty handler take turns
#   -w 2               seconds of warming up
#   -l N               event loops of the server and of the empty handler; as many as processors by default
#   -q 10              a round in which other processes took more of the processors than this percentage is measured
#                      again, for as long as there are not three times as many rounds
#   -v 100000          visitors in the data of sql and search, which has three conversations and ten messages for each
#   -m                 print Markdown, for RESULTS.md
#
# Measures requests per second and latency of a release build against an empty libh2o handler that answers the same
# bytes. The load generator (wrk, one thread) runs on the same machine. Figures are medians of the rounds. Build first:
# make bench does, and takes these options as BENCH="-s a -d 3".
set -euo pipefail
cd "$(dirname "$0")/../.."

scenarios=a,b,c,d,start,streams,sql,search connections=64,256 seconds=5 rounds=3 warm_up=2 others_max=10 markdown=0 chosen_loops='' visitors=100000
while getopts s:c:d:r:w:l:q:v:m option; do
    case $option in
    s) scenarios=$OPTARG ;;
    c) connections=$OPTARG ;;
    d) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    w) warm_up=$OPTARG ;;
    l) chosen_loops=$OPTARG ;;
    q) others_max=$OPTARG ;;
    v) visitors=$OPTARG ;;
    m) markdown=1 ;;
    *) sed -n '2,24s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
done

# shellcheck source=tools/load/common.sh
. tools/load/common.sh
loops=${chosen_loops:-$loops}
rows=$work/rows
START_VISITORS=1000000
START_RUNS=5
STREAMS=5000
STREAM_MESSAGES=2000

say() { # progress, kept apart from the table
    echo "bench: $*" >&2
}

# ---- counters ----

metric() { # NAME
    curl -sS --max-time 10 "$server_url/metrics" |
        awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }'
}

cpu_ticks() { # PID: user and system time of all threads
    sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# The whole device, the file system's journal included. /proc/PID/io would not do: it counts every page of a large folio
# as written when one of them is.
disk_sectors() {
    local device
    device=$(df --output=source "$work" | tail -n 1)
    awk -v name="${device##*/}" '$3 == name { print $10; found = 1 } END { if (!found) print 0 }' /proc/diskstats
}

# Ticks that processors were busy with anything but this script's children: other processes, the kernel's threads, other
# machines.
others_ticks() {
    local busy own
    busy=$(awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat)
    own=$(sed 's/.*) //' /proc/$$/stat | awk '{ print $12 + $13 + $14 + $15 }')
    echo $((busy - own - $(cpu_ticks "$server_pid") - $(cpu_ticks "$empty_pid")))
}

server_counters() {
    echo "$(cpu_ticks "$server_pid")" "$(disk_sectors)" "$(metric helvino_commits_total)" \
        "$(metric helvino_commands_total)" "$(metric helvino_commit_seconds_total)"
}

# ---- one scenario ----

# Prints a row: scenario, connections; of the server: requests us p50 p99 longest bad socket cpu sectors commits
# commands commit_seconds; of the empty handler: requests us p50 p99 longest bad socket cpu; the percentage that others
# took.
measure_round() { # SCENARIO CONNECTIONS
    local before after result cpu others begun=$EPOCHREALTIME
    others=$(others_ticks)
    before=$(server_counters)
    result=$(load "$1" "$server_url" "$2" "$seconds")
    after=$(server_counters)
    printf '%s %s %s ' "$1" "$2" "$result"
    paste -d' ' <(tr ' ' '\n' <<<"$after") <(tr ' ' '\n' <<<"$before") | awk '{ printf "%.6f ", $1 - $2 }'
    cpu=$(cpu_ticks "$empty_pid")
    result=$(load "$1" "$empty_url" "$2" "$seconds")
    echo -n "$result $(($(cpu_ticks "$empty_pid") - cpu)) "
    awk -v ticks=$(($(others_ticks) - others)) -v hertz="$(getconf CLK_TCK)" -v cores="$(nproc)" -v begun="$begun" \
        -v now="$EPOCHREALTIME" 'BEGIN {
            share = ticks / hertz / cores / (now - begun) * 100
            printf "%.1f\n", (share > 0 ? share : 0)
        }'
}

measure() { # SCENARIO CONNECTIONS
    local round tries=0 others
    start_server "$1"
    start_empty "$1"
    load "$1" "$server_url" "$2" "$warm_up" >/dev/null
    load "$1" "$empty_url" "$2" "$warm_up" >/dev/null
    for ((round = 1; round <= rounds; )); do
        say "scenario $1, $2 connections, round $round of $rounds"
        measure_round "$1" "$2" >"$work/row"
        tries=$((tries + 1))
        others=$(sed 's/.* //' "$work/row")
        if ((${others%.*} >= others_max && tries <= 2 * rounds)); then
            say "others took $others % of the processors: once more"
            continue
        fi
        cat "$work/row" >>"$rows"
        round=$((round + 1))
    done
    echo "memory $1 $2 $(awk '$1 == "RssAnon:" { print $2 }' "/proc/$server_pid/status")" >>"$work/memory"
    stop_empty
    stop_server
}

# ---- start-up and memory ----

measure_start() {
    local data=$work/start command
    say "filling a database of $START_VISITORS visitors"
    make_data "$data" --visitors "$START_VISITORS"
    command=("$build/helvino" serve --data "$data" --loops "$loops")
    say "starting on it"
    "$build/load/startup" --runs "$START_RUNS" -- "${command[@]}" >"$work/start_warm"
    "$build/load/startup" --runs "$START_RUNS" --cold "$data/data.mdb" -- "${command[@]}" >"$work/start_cold"
    rm -rf "$data"
}

# ---- streams ----

# The server is a fresh one in each round, so that no memory of an earlier one is used again.
measure_streams() {
    local round
    ulimit -n "$(ulimit -Hn)"
    make_data "$work/data" --visitors "$STREAMS" --listed "$STREAMS"
    for ((round = 1; round <= rounds; round++)); do
        say "$STREAMS streams, round $round of $rounds"
        launch_server "$work/data" --connections-max 20000 --connections-per-address 20000
        "$build/load/streams" --url "$server_url" --pid "$server_pid" --org bench --messages "$STREAM_MESSAGES" \
            <"$work/targets" >>"$work/streams" || die "streams could not be measured"
        stop "$server_pid"
        server_pid=''
    done
    rm -rf "$work/data"
}

# ---- SQL ----

measure_sql() {
    local options=(-n "$visitors" -r "$rounds")
    [ "$markdown" = 0 ] || options+=(-m)
    tools/load/sql.sh "${options[@]}" >"$work/sql"
}

# ---- search ----

measure_search() {
    local options=(-n "$visitors" -r "$rounds")
    [ "$markdown" = 0 ] || options+=(-m)
    tools/load/search.sh "${options[@]}" >"$work/search"
}

# ---- figures ----

median() { # COLUMN FILE
    awk -v column="$1" '{ print $column }' "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ---- printing ----

print_fact() { # NAME FACT
    if [ "$markdown" = 1 ]; then
        echo "- $1: $2"
    else
        printf '%-10s%s\n' "$1" "$2"
    fi
}

print_machine() {
    local model memory
    model=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
    memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
    print_fact date "$(date -u +%Y-%m-%d)"
    print_fact revision "$(git describe --always 2>/dev/null || echo unknown)"
    print_fact machine "$model, $(nproc) cores, $memory of memory"
    print_fact kernel "$(uname -sr)"
    print_fact disk "$(df --output=source,fstype "$work" | tail -n 1 | tr -s ' ')"
    print_fact load "wrk, one thread, on the same machine; $loops loops; $rounds rounds of $seconds s, medians"
}

print_rows() {
    local scenario titles=''
    for scenario in a b c d e; do
        titles+="$scenario $(title "$scenario")\n"
    done
    awk -v markdown="$markdown" -v hertz="$(getconf CLK_TCK)" -v titles="$titles" -v summary="$work/summary" \
        -f tools/load/table.awk "$rows"
}

print_start() {
    [ -f "$work/start_warm" ] || return 0
    echo
    echo "Start-up on a database of a million visitors, from exec to the first answer:" \
        "$(median 1 "$work/start_warm") ms ($(median 1 "$work/start_cold") ms with the file not in the page cache)."
    echo "Memory at idle, without the map: $(median 2 "$work/start_warm") KiB (RssAnon); pages of the binary and of" \
        "the map: $(median 3 "$work/start_warm") KiB (RssFile)."
    [ ! -f "$work/memory" ] ||
        echo "Largest RssAnon after the load: $(sort -k4n "$work/memory" | tail -n 1 | cut -d' ' -f4) KiB."
}

stream_bytes() { # what one idle stream costs
    awk '{ printf "%d\n", ($4 - $3) * 1024 / $1 }' "$work/streams" >"$work/stream_bytes"
    median 1 "$work/stream_bytes"
}

print_streams() {
    [ -f "$work/streams" ] || return 0
    echo
    echo "$STREAMS idle streams, opened in $(median 2 "$work/streams") ms: $(stream_bytes) bytes of the server's memory each" \
        "(RssAnon). While they are open a message takes from its sender to its listener, the commit included," \
        "$(median 5 "$work/streams") us (p50), $(median 6 "$work/streams") us (p99)."
}

print_targets_of() { # SCENARIO CONNECTIONS RATIO P99 ERRORS
    case $1$2 in
    a256 | b256) print_target "($1) $2 connections, share of empty" "$3" ">=" 0.25 ;;
    a64 | b64) print_target "($1) $2 connections, share of empty" "$3" ">=" 0.15 ;;
    c256 | c64) print_target "($1) $2 connections, share of empty" "$3" ">=" 0.60 ;;
    esac
    [ "$2" != 256 ] || print_target "($1) $2 connections, p99 in ms" "$4" "<=" 15
    print_target "($1) $2 connections, errors" "$5" "<=" 0
}

print_targets() {
    local line
    echo
    [ "$markdown" = 0 ] || printf '| target | measured | wanted | met |\n|---|---:|---:|---|\n'
    if [ -f "$work/summary" ]; then
        while read -ra line; do
            print_targets_of "${line[@]}"
        done <"$work/summary"
    fi
    [ ! -f "$work/streams" ] || print_target "one of $STREAMS idle streams, bytes" "$(stream_bytes)" "<=" 12288
    [ -f "$work/start_warm" ] || return 0
    print_target "start-up on a million visitors, ms" "$(median 1 "$work/start_warm")" "<=" 50
    print_target "memory at idle without the map, KiB" "$(median 2 "$work/start_warm")" "<=" 16384
}

IFS=, read -ra scenario_list <<<"$scenarios"
IFS=, read -ra connection_list <<<"$connections"
for tool in helvino load/empty load/fill load/startup load/streams; do
    [ -x "$build/$tool" ] || die "$build/$tool is not there; make bench builds it"
done
for scenario in "${scenario_list[@]}"; do
    case $scenario in
    start) measure_start ;;
    streams) measure_streams ;;
    sql) measure_sql ;;
    search) measure_search ;;
    *)
        title "$scenario" >/dev/null
        for count in "${connection_list[@]}"; do
            measure "$scenario" "$count"
        done
        ;;
    esac
done

print_machine
[ ! -f "$rows" ] || print_rows
print_start
print_streams
print_targets
for report in sql search; do
    [ ! -f "$work/$report" ] || {
        echo
        cat "$work/$report"
    }
done
