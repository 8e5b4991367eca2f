#!/usr/bin/env bash
# Usage: search.sh [-n VISITORS] [-r ROUNDS] [-d SECONDS] [-k DIR] [-m]
#
#   -n 100000   visitors of the generated data; three conversations and ten messages for each
#   -r 3        rounds of SQLite's answers; times are medians of all
#   -d 3        seconds for each kind of question over HTTP
#   -k DIR      keep the data and SQLite's in DIR, and use what is there already
#   -m          print Markdown, for RESULTS.md
#
# Measures search on generated data: how long the index takes to build and how large it is, and how long the first 20
# hits take over HTTP, from one client, warm, for questions of several kinds; and the same for SQLite's FTS5 on the same
# messages, in the sqlite3 shell, without HTTP and JSON: its time is the processor's. Build first: make bench does, and
# "make bench BENCH='-s search -v 1000000'" runs this at full size. That takes 15 GB of disk and about half an hour.
set -euo pipefail
cd "$(dirname "$0")/../.."

visitors=100000 rounds=3 seconds=3 place='' markdown=0
while getopts n:r:d:k:m option; do
    case $option in
    n) visitors=$OPTARG ;;
    r) rounds=$OPTARG ;;
    d) seconds=$OPTARG ;;
    k) place=$OPTARG ;;
    m) markdown=1 ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
done

# shellcheck source=tools/load/common.sh
. tools/load/common.sh
QUESTIONS=60 # of each kind, as far as there are words for them
mkdir -p "${place:=$work}"
place=$(realpath "$place")
sqlite=$place/search.sqlite

say() { # progress, kept apart from the table
    echo "search: $*" >&2
}

# Milliseconds that a command takes; once it has been run in the folder, what it took then.
timed() { # NAME COMMAND...
    local file=$place/$1-ms begun=$EPOCHREALTIME ended
    if [ ! -f "$file" ]; then
        say "$1"
        "${@:2}"
        ended=$EPOCHREALTIME
        echo $(((${ended/./} - ${begun/./}) / 1000)) >"$file"
    fi
    cat "$file"
}

# ---- the two indexes ----

build_index() {
    "$build/helvino" reindex --data "$place/data" 2>"$work/reindex.log" || die "$(cat "$work/reindex.log")"
}

index_bytes() {
    "$build/helvino" stat --format json --data "$place/data" |
        node -e 'let s = ""; process.stdin.on("data", (d) => (s += d)).on("end", () => { const t = JSON.parse(s).tables;
            console.log(t.search_blocks.bytes, t.message_by_seq.bytes + t.search_segments.bytes + t.search_orgs.bytes, t.visitor_by_email.bytes); });'
}

make_messages() { # the rows, for SQLite
    [ ! -f "$sqlite" ] || return 0
    say "copying the messages to SQLite"
    "$build/helvino" dump sql --data "$place/data" --format csv --csv-safe off 'SELECT seq, content FROM messages ORDER BY seq' \
        >"$work/messages.csv" 2>"$work/dump.log" || die "$(cat "$work/dump.log")"
    sqlite3 "$sqlite" 'CREATE TABLE messages(seq INTEGER PRIMARY KEY, content TEXT)' \
        ".import --csv --skip 1 $work/messages.csv messages" || die "sqlite3 does not take the messages"
    rm "$work/messages.csv"
}

# DETAIL is FTS5's: with "none" it has no places of words and so no phrases, as our postings have none.
build_fts() { # DETAIL
    sqlite3 "$sqlite" "DROP TABLE IF EXISTS fts_$1" \
        "CREATE VIRTUAL TABLE fts_$1 USING fts5(content, content='messages', content_rowid='seq', detail=$1,
            tokenize='unicode61 remove_diacritics 2')" \
        "INSERT INTO fts_$1(fts_$1) VALUES ('rebuild')" || die "sqlite3 does not build its index"
}

fts_bytes() { # DETAIL
    sqlite3 "$sqlite" "SELECT sum(length(block)) FROM fts_$1_data"
}

# ---- questions ----

# Words by how many messages have them, as FTS5's vocabulary tells; those of letters of ASCII, which both fold alike.
words_between() { # LEAST MOST
    sqlite3 "$sqlite" "SELECT term FROM vocabulary WHERE doc BETWEEN $1 AND $2 AND length(term) > 3 AND term NOT GLOB '*[^a-z]*'
        ORDER BY substr(term, 3), doc LIMIT $QUESTIONS"
}

pairs() { # FIRST... -- SECOND...
    local first=() word other
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    for word in "${first[@]}"; do
        for other in "$@"; do
            echo "$word $other"
        done
    done
}

# A question a line; a blank at the end makes the last word a whole one.
write_questions() {
    local messages=$((10 * visitors))
    say "choosing words"
    sqlite3 "$sqlite" 'DROP TABLE IF EXISTS vocabulary' "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, fts_none, row)" \
        'CREATE TABLE vocabulary AS SELECT term, doc FROM temp.v' || die "no vocabulary"
    words_between 2 $((messages / 100000 + 5)) | sed 's/$/ /' >"$work/q-rare"
    words_between $((messages / 2000)) $((messages / 500)) | sed 's/$/ /' >"$work/q-middling"
    printf '%s \n' the to my order please is with when not >"$work/q-frequent"
    pairs the order please when -- my is with not | sed 's/$/ /' >"$work/q-two-frequent"
    # Words of two languages, which meet where somebody has used a foreign one, or never.
    pairs siparis icin cok merhaba kargo lutfen -- bestellung nicht bitte wann habe ihr | sed 's/$/ /' >"$work/q-rarely-meet"
    words_between $((messages / 2000)) $((messages / 500)) | cut -c1-3 >"$work/q-prefix-3"
    printf '%s\n' th or pl wh si be >"$work/q-prefix-2"
    printf '%s\n' t o p s b m >"$work/q-prefix-1"
    paste -d' ' "$work/q-middling" <(words_between $((messages / 2000)) $((messages / 500)) | cut -c1-2 | tac) | sed 's/  */ /' \
        >"$work/q-word-and-prefix"
    pairs the order please -- my is to | sed 's/.*/"&"/' >"$work/q-phrase"
    seq 1 $QUESTIONS | sed 's/^/qx/; s/$/ /' >"$work/q-nobody"
    paste -d' ' <(seq 1 $QUESTIONS | sed 's/^/qx/') <(yes t | head -n $QUESTIONS) >"$work/q-nobody-and-prefix"
}

KINDS=(rare middling frequent two-frequent rarely-meet prefix-3 prefix-2 prefix-1 word-and-prefix phrase nobody nobody-and-prefix)

# ---- asking ----

ask_helvino() { # QUESTIONS_FILE KIND: prints p50 p99 longest (microseconds), bad answers
    local result
    sed 's/"/%22/g; s/@/%40/g; s/ /%20/g' "$1" >"$work/encoded"
    LUA_PATH="tools/load/?.lua" wrk -t1 -c1 -d"${seconds}s" --timeout 10s -s tools/load/search.lua "$server_url" -- \
        0 "$work/encoded" "$token" "$2" >"$work/wrk.log" 2>&1 || die "wrk: $(tail -n 3 "$work/wrk.log")"
    result=$(sed -n 's/^result //p' "$work/wrk.log")
    [ -n "$result" ] || die "wrk: $(cat "$work/wrk.log")"
    awk '{ print $3, $4, $5, $6 + $7 }' <<<"$result"
}

# The first 20 with their texts, as a server would have to show them. Words are quoted; a last one without a blank is a
# prefix.
as_fts() { # QUESTION
    awk -v q="$1" 'BEGIN {
        if (q ~ /^".*"$/) { print q; exit }
        prefix = q !~ / $/; n = split(q, word, " ")
        for (i = 1; i <= n; i++) printf "%s\"%s\"%s", (i > 1 ? " " : ""), word[i], (i == n && prefix ? "*" : "")
        print "" }'
}

ask_sqlite() { # QUESTIONS_FILE DETAIL: prints p50 p99 longest (microseconds)
    local question round
    {
        echo '.timer on'
        for ((round = 0; round <= rounds; round++)); do
            echo ".print round $round"
            while IFS= read -r question; do
                echo "SELECT sum(length(content)) FROM (SELECT m.content FROM fts_$2 f JOIN messages m ON m.seq = f.rowid
                      WHERE fts_$2 MATCH '$(as_fts "$question")' ORDER BY f.rowid DESC LIMIT 20);" | tr '\n' ' '
                echo
            done <"$1"
        done
    } >"$work/ask.sql"
    sqlite3 -batch -readonly "$sqlite" <"$work/ask.sql" >"$work/answers" 2>&1 || die "sqlite3: $(tail -n 3 "$work/answers")"
    # The first round warms up.
    awk '$1 == "round" { round = $2 } /^Run Time:/ && round > 0 { printf "%d\n", ($6 + $8) * 1e6 }' "$work/answers" | sort -n |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.99)], v[NR] }'
}

measure_kind() { # KIND
    local detail=none fts
    [ "$1" != phrase ] || detail=full
    say "$1"
    fts=$(ask_sqlite "$work/q-$1" "$detail")
    echo "$1 $(wc -l <"$work/q-$1") $(ask_helvino "$work/q-$1" messages) $fts"
}

measure_visitors() { # NAME EXPRESSION: for as many values of it
    "$build/helvino" dump sql --data "$place/data" --format csv "SELECT $2 FROM visitors WHERE email IS NOT NULL LIMIT $QUESTIONS" |
        tr -d '\r' | tail -n +2 >"$work/q-$1"
    say "$1"
    echo "$1 $(wc -l <"$work/q-$1") $(ask_helvino "$work/q-$1" visitors) - - -"
}

# ---- printing ----

mib() { # BYTES
    awk -v bytes="$1" 'BEGIN { printf "%.0f MiB", bytes / 1048576 }'
}

print_table() {
    local head='| question | of this kind | helvino p50 ms | p99 ms | longest ms | FTS5 p50 ms | p99 ms | longest ms |'
    if [ "$markdown" = 1 ]; then
        printf '%s\n|---|---:|---:|---:|---:|---:|---:|---:|\n' "$head"
    else
        echo "$head" | tr -d '|'
    fi
    awk -v markdown="$markdown" '
        function ms(v) { return v == "-" ? "-" : sprintf("%.2f", v / 1000) }
        { format = markdown ? "| %s | %d | %s | %s | %s | %s | %s | %s |\n" : "%-20s%8d%12s%10s%12s%14s%10s%12s\n"
          printf format, $1, $2, ms($3), ms($4), ms($5), ms($7), ms($8), ms($9) }' "$work/rows"
}

print_targets() {
    echo
    [ "$markdown" = 0 ] || printf '| target | measured | wanted | met |\n|---|---:|---:|---|\n'
    while read -r kind _ _ p99 _ bad _; do
        print_target "$kind, p99 of the first 20 hits in ms" "$(awk -v us="$p99" 'BEGIN { printf "%.2f", us / 1000 }')" "<=" 50
        [ "$bad" = 0 ] || print_target "$kind, errors" "$bad" "<=" 0
    done <"$work/rows"
}

make_generated "$place/data" "$visitors"
build_ms=$(timed index build_index)
read -r block_bytes place_bytes email_bytes <<<"$(index_bytes)"
make_messages
none_ms=$(timed fts-none build_fts none)
full_ms=$(timed fts-full build_fts full)
write_questions
token=$("$build/helvino" org token create generated --data "$place/data" 2>"$work/token.log") || die "$(cat "$work/token.log")"
launch_server "$place/data"
{
    for kind in "${KINDS[@]}"; do
        measure_kind "$kind"
    done
    measure_visitors visitor-by-name "substr(email, 1, instr(email, '@') - 1) || ' '"
    measure_visitors visitor-by-prefix 'substr(email, 1, 4)'
    measure_visitors visitor-by-key 'substr("visitorKey", 1, 8)'
} >"$work/rows"

messages=$((10 * visitors))
echo "Search on $visitors visitors and $messages messages. The index: $((messages / (build_ms / 1000 + 1))) messages/s, built in" \
    "$((build_ms / 1000)) s in steps that a server takes beside its work; postings $(mib "$block_bytes"), places $(mib "$place_bytes")," \
    "e-mail addresses $(mib "$email_bytes"). FTS5 ($(sqlite3 --version | cut -d' ' -f1)) without places of words:" \
    "$((none_ms / 1000)) s, $(mib "$(fts_bytes none)"); with them $((full_ms / 1000)) s, $(mib "$(fts_bytes full)"), in one transaction each."
echo
print_table
print_targets
