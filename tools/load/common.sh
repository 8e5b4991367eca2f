#!/usr/bin/env bash
# Sourced by bench.sh and profile.sh: a server with data for a scenario, the empty handler with the same answer, and the
# load. Everything stands in one temporary folder and is gone at the end; all traffic stays on 127.0.0.1.

build=${HELVINO_BUILD:-build/release}
work=$(mktemp -d "${TMPDIR:-/tmp}/helvino-load.XXXXXX")
loops=$(nproc)
server_pid='' empty_pid=''
draw=$((RANDOM * 32768 + RANDOM)) # makes this run's draws and clientIds its own

CONVERSATIONS=1000
MESSAGES=20

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

stop() { # PID
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

clean_up() {
    stop "$server_pid"
    stop "$empty_pid"
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# What a figure should be: at least, or at most, something. ${markdown:-0} is 1 for a row of a Markdown table.
print_target() { # WHAT MEASURED SIGN TARGET
    local met=no
    ! awk -v a="$2" -v b="$4" -v sign="$3" 'BEGIN { exit !(sign == ">=" ? a >= b : a <= b) }' || met=yes
    if [ "${markdown:-0}" = 1 ]; then
        echo "| $1 | $2 | $3 $4 | $met |"
    else
        printf '%-50s %10s %12s   %s\n' "$1" "$2" "$3 $4" "$met"
    fi
}

title() { # SCENARIO
    case $1 in
    a) echo "POST /conversations, 100,000 visitors" ;;
    b) echo "POST message to $CONVERSATIONS conversations" ;;
    c) echo "GET a conversation of $MESSAGES messages" ;;
    d) echo "GET /health" ;;
    e) echo "GET $CONVERSATIONS conversations of $MESSAGES messages" ;;
    *) die "unknown scenario $1" ;;
    esac
}

# ---- the server ----

# Both the server and the empty handler say where they listen.
wait_for_url() { # FILE PID
    local i url
    for ((i = 0; i < 200; i++)); do
        url=$(grep -som1 'http://127\.0\.0\.1:[0-9]*' "$1" || true)
        [ -z "$url" ] || break
        kill -0 "$2" 2>/dev/null || break
        sleep 0.05
    done
    [ -n "$url" ] || die "no server: $(tail -n 3 "$1")"
    echo "$url"
}

make_data() { # DIR FILL_ARGUMENTS...
    local data=$1
    shift
    "$build/helvino" org create bench --new-database --data "$data" >"$work/org.log" 2>&1 || die "$(cat "$work/org.log")"
    "$build/load/fill" --data "$data" --org bench "$@" >"$work/targets" || die "no data for the load test"
}

make_generated() { # DIR VISITORS: as a year would have left it, unless it is there
    [ ! -d "$1" ] || return 0
    echo "${0##*/}: generating $2 visitors" >&2
    "$build/helvino" generate --visitors "$2" --conversations $((3 * $2)) --messages $((10 * $2)) --data "$1" \
        >"$work/generate.log" 2>&1 || die "$(cat "$work/generate.log")"
}

launch_server() { # DATA FLAGS...: leaves server_pid, server_url
    local data=$1
    shift
    : >"$work/server.log" # the one before would name another port
    "$build/helvino" serve --data "$data" --listen 127.0.0.1:0 --loops "$loops" --rate-limit off --log-format json "$@" \
        2>"$work/server.log" >/dev/null &
    server_pid=$!
    server_url=$(wait_for_url "$work/server.log" "$server_pid")
}

start_server() { # SCENARIO: leaves server_pid, server_url
    local data=$work/data
    case $1 in
    b) make_data "$data" --visitors "$CONVERSATIONS" --listed "$CONVERSATIONS" ;;
    c | e) make_data "$data" --visitors "$CONVERSATIONS" --listed "$CONVERSATIONS" --messages "$MESSAGES" ;;
    *) make_data "$data" --visitors 1 --listed 1 ;;
    esac
    [ "$1" != c ] || sed -i '2,$d' "$work/targets"
    launch_server "$data"
}

stop_server() {
    stop "$server_pid"
    server_pid=''
    rm -rf "$work/data"
}

# ---- the empty handler ----

# The answer to the scenario's request, as it is on the wire.
sample_answer() { # SCENARIO
    local conversation visitor request text
    read -r conversation visitor <"$work/targets"
    request=(-H 'x-org-key: bench' -H "x-visitor-id: $visitor")
    case $1 in
    a) request+=(-d '{}' -H 'Content-Type: application/json' "$server_url/conversations") ;;
    b)
        text="Hello, I ordered the blue one on Tuesday (number 48213). When will it get here, please?"
        request+=(-H 'Content-Type: application/json' -d "{\"role\":\"user\",\"content\":\"$text\"}"
            "$server_url/conversations/$conversation/messages")
        ;;
    c | e) request+=("$server_url/conversations/$conversation") ;;
    d) request+=("$server_url/health") ;;
    esac
    curl -sSi --max-time 10 "${request[@]}"
}

is_success() { # FILE
    [[ $(head -n 1 "$1") =~ ^HTTP/1.1\ 20[01] ]]
}

start_empty() { # SCENARIO: leaves empty_pid, empty_url
    sample_answer "$1" >"$work/answer"
    is_success "$work/answer" || die "scenario $1: $(cat "$work/answer")"
    : >"$work/empty.log"
    "$build/load/empty" --response "$work/answer" --loops "$loops" >"$work/empty.log" 2>&1 &
    empty_pid=$!
    empty_url=$(wait_for_url "$work/empty.log" "$empty_pid")
    curl -sSi --max-time 10 "$empty_url/" >"$work/empty_answer"
    # The date is the only line that may differ.
    diff <(grep -av '^Date:' "$work/answer") <(grep -av '^Date:' "$work/empty_answer") >/dev/null ||
        die "the empty handler does not answer the same bytes"
}

stop_empty() {
    stop "$empty_pid"
    empty_pid=''
}

# ---- the load ----

# Prints: requests, microseconds, p50, p99, longest (microseconds), bad answers, socket errors.
load() { # SCENARIO URL CONNECTIONS SECONDS
    local script
    case $1 in
    a) script=create ;;
    b) script=message ;;
    c | e) script=show ;;
    d) script=health ;;
    esac
    draw=$((draw + 1))
    LUA_PATH="tools/load/?.lua" timeout $(($4 + 60)) \
        wrk -t1 -c"$3" -d"$4"s --timeout 10s -s "tools/load/$script.lua" "$2" -- "$draw" "$work/targets" \
        >"$work/wrk.log" 2>&1 || die "wrk: $(tail -n 3 "$work/wrk.log")"
    sed -n 's/^result //p' "$work/wrk.log" | grep . || die "wrk: $(cat "$work/wrk.log")"
}
