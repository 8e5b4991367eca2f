#!/usr/bin/env bash
# Usage: sql.sh [-n VISITORS] [-r ROUNDS] [-k DIR] [-m]
#
#   -n 100000   visitors of the generated data; three conversations and ten messages for each
#   -r 3        rounds; wall times are medians
#   -k DIR      keep the data, its exports and the cluster in DIR, and use what is there already
#   -m          print Markdown, for RESULTS.md
#
# Measures questions in SQL on generated data: on it, on its export as a SQLite file, and on a PostgreSQL of this
# script's own, with the settings that a new cluster has, the same rows and the same indexes, after ANALYZE. All rows
# are printed as CSV. Wall time is warm; peak memory is anonymous memory (RssAnon), beside the map, the page cache and
# shared buffers, of the program, or of psql and the server's processes for it. Build first: make bench does, and
# "make bench BENCH='-s sql -v 1000000'" runs this at full size. That takes 20 GB of disk and about half an hour.
set -euo pipefail
cd "$(dirname "$0")/../.."

visitors=100000 rounds=3 place='' markdown=0
while getopts n:r:k:m option; do
    case $option in
    n) visitors=$OPTARG ;;
    r) rounds=$OPTARG ;;
    k) place=$OPTARG ;;
    m) markdown=1 ;;
    *) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
done

# shellcheck source=tools/load/common.sh
. tools/load/common.sh
SAMPLE_S=0.005 # between two looks at the memory
mkdir -p "${place:=$work}"
place=$(realpath "$place")
postgres_pid='' socket=''

say() { # progress, kept apart from the table
    echo "sql: $*" >&2
}

clean_up() { # of common.sh's
    [ -z "$postgres_pid" ] || kill -INT "$postgres_pid" 2>/dev/null || true
    [ -z "$postgres_pid" ] || wait "$postgres_pid" 2>/dev/null || true
    rm -rf "$work"
    [ -z "$socket" ] || rm -rf "$socket"
}

# ---- the three databases ----

postgres_folder() {
    local initdb
    initdb=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1 || command -v initdb || true)
    [ -n "$initdb" ] || die "there is no PostgreSQL; make setup-bench installs it"
    dirname "$initdb"
}

# PostgreSQL refuses to run as root.
as_postgres=()
[ "$(id -u)" != 0 ] || as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups --)

psql_here() {
    PGOPTIONS='' psql -X -q -h "$socket" -U postgres -d postgres -v ON_ERROR_STOP=1 "$@"
}

start_postgres() {
    local folder i
    folder=$(postgres_folder)
    socket=$(mktemp -d /tmp/helvino-sql.XXXXXX)
    mkdir -p "$place/postgres"
    chmod 711 "$work" # the cluster may lie in it
    if [ "$(id -u)" = 0 ]; then
        chown postgres: "$socket" "$place/postgres"
    fi
    if [ ! -f "$place/postgres/PG_VERSION" ]; then
        (cd / && "${as_postgres[@]}" "$folder/initdb" -D "$place/postgres" -U postgres -A trust --encoding=UTF8 --locale=C) \
            >"$work/initdb.log" 2>&1 || die "initdb: $(tail -n 3 "$work/initdb.log")"
    fi
    (cd / && exec "${as_postgres[@]}" "$folder/postgres" -D "$place/postgres" -k "$socket" -c listen_addresses=) \
        >"$work/postgres.log" 2>&1 &
    postgres_pid=$!
    for ((i = 0; i < 600; i++)); do
        psql_here -c 'SELECT 1' >/dev/null 2>&1 && return
        kill -0 "$postgres_pid" 2>/dev/null || break
        sleep 0.1
    done
    die "PostgreSQL does not start: $(tail -n 3 "$work/postgres.log")"
}

make_sqlite() {
    [ -f "$place/export.sqlite" ] && return
    say "exporting to SQLite"
    "$build/helvino" dump export --format sqlite -o "$place/export.sqlite" --data "$place/data" 2>"$work/export.log" ||
        die "$(cat "$work/export.log")"
    sqlite3 "$place/export.sqlite" ANALYZE
}

make_postgres() {
    start_postgres
    [ "$(psql_here -At -c "SELECT to_regclass('messages') IS NOT NULL")" = f ] || return 0
    say "exporting to PostgreSQL"
    "$build/helvino" dump export --format sql -o "$work/export.sql" --data "$place/data" 2>"$work/export.log" ||
        die "$(cat "$work/export.log")"
    psql_here -f "$work/export.sql" || die "psql did not load the export"
    rm "$work/export.sql"
    psql_here -c ANALYZE
    psql_here -c "$(node tools/load/sql_dialect.mjs functions)"
}

# ---- questions ----

QUESTIONS=(all-visitors conversations-per-visitor came-back overview)

# The three of the product's promise, as people write them; and a report.
write_questions() {
    local dialect
    mkdir -p "$work"/{helvino,sqlite,postgres}
    for dialect in helvino sqlite postgres; do
        echo 'SELECT * FROM visitors ORDER BY "lastSeenAt" DESC;' >"$work/$dialect/all-visitors.sql"
        cat >"$work/$dialect/conversations-per-visitor.sql" <<'SQL'
SELECT v."visitorKey", COUNT(c.id) as conv_count, v."firstSeenAt", v."lastSeenAt"
FROM visitors v LEFT JOIN conversations c ON v.id = c."visitorId" GROUP BY v.id;
SQL
        echo 'SELECT "visitorKey", "firstSeenAt", "lastSeenAt" FROM visitors WHERE "lastSeenAt" > "firstSeenAt";' \
            >"$work/$dialect/came-back.sql"
    done
    cp tools/dump/reports/overview.sql "$work/helvino/overview.sql"
    node tools/load/sql_dialect.mjs sqlite tools/dump/reports/overview.sql >"$work/sqlite/overview.sql"
    node tools/load/sql_dialect.mjs postgres tools/dump/reports/overview.sql >"$work/postgres/overview.sql"
}

ask() { # DATABASE QUESTION: becomes the program that answers
    local file=$work/$1/$2.sql
    case $1 in
    helvino) exec "$build/helvino" dump sql -f "$file" --format csv --data "$place/data" ;;
    sqlite) exec sqlite3 -batch -readonly -csv "$place/export.sqlite" <"$file" ;;
    postgres) PGOPTIONS='' exec psql -X -q -h "$socket" -U postgres -d postgres -v ON_ERROR_STOP=1 --csv -f "$file" ;;
    esac
}

# ---- measuring ----

anonymous_kib() { # PID...: what they hold at the moment, together
    local pid key value rest total=0
    for pid in "$@"; do
        while read -r key value rest; do
            [ "$key" != RssAnon: ] || total=$((total + value))
        done 2>/dev/null <"/proc/$pid/status" || true
    done
    echo "$total"
}

# The server's processes hold something while nobody asks; that is not the question's.
server_pids() {
    [ "$1" != postgres ] || cat "/proc/$postgres_pid/task/$postgres_pid/children"
}

peak_kib() { # DATABASE QUESTION
    local pid now idle peak=0
    # shellcheck disable=SC2046
    idle=$(anonymous_kib $(server_pids "$1"))
    ask "$1" "$2" >/dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        # shellcheck disable=SC2046
        now=$(anonymous_kib "$pid" $(server_pids "$1"))
        ((now - idle <= peak)) || peak=$((now - idle))
        sleep "$SAMPLE_S"
    done
    wait "$pid" || die "$1 did not answer $2"
    echo "$peak"
}

wall_ms() { # COMMAND...
    local begun=$EPOCHREALTIME ended
    "$@"
    ended=$EPOCHREALTIME
    echo $(((${ended/./} - ${begun/./}) / 1000))
}

answer_once() { # DATABASE QUESTION
    (ask "$1" "$2") >/dev/null || die "$1 did not answer $2"
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# A line: question, rows, then KiB and milliseconds of each database. The look at the memory warms up as well; the rounds
# take turns, so that whatever else the machine does falls upon all alike.
measure_question() { # QUESTION
    local database round rows
    rows=$( (ask sqlite "$1") | grep -c '' || true)
    rm -f "$work"/{kib,ms}-*
    say "$1: memory"
    for database in helvino sqlite postgres; do
        peak_kib "$database" "$1" >"$work/kib-$database"
    done
    for ((round = 1; round <= rounds; round++)); do
        say "$1: round $round of $rounds"
        for database in helvino sqlite postgres; do
            wall_ms answer_once "$database" "$1" >>"$work/ms-$database"
        done
    done
    echo -n "$1 $rows"
    for database in helvino sqlite postgres; do
        echo -n " $(cat "$work/kib-$database") $(median <"$work/ms-$database")"
    done
    echo
}

export_once() {
    rm -rf "$work/export"
    "$build/helvino" dump export --format ndjson -o "$work/export" --data "$place/data" 2>"$work/export.log" ||
        die "$(cat "$work/export.log")"
}

# Rows, and milliseconds.
measure_export() {
    local round
    for ((round = 1; round <= rounds; round++)); do
        say "export as ndjson: round $round of $rounds"
        wall_ms export_once >>"$work/ms-export"
    done
    echo "$(cat "$work"/export/*.ndjson | wc -l) $(median <"$work/ms-export")"
    rm -rf "$work/export"
}

# ---- printing ----

print_table() {
    local head='| question | rows | helvino s | MiB | sqlite3 s | MiB | psql s | MiB |'
    if [ "$markdown" = 1 ]; then
        printf '%s\n|---|---:|---:|---:|---:|---:|---:|---:|\n' "$head"
    else
        echo "$head" | tr -d '|' | awk '{ printf "%-28s%10s%11s%7s%11s%7s%9s%7s\n", $1, $2, $3 " " $4, $5, $6 " " $7, $8, $9 " " $10, $11 }'
    fi
    awk -v markdown="$markdown" '
        { format = markdown ? "| %s | %d | %.2f | %.0f | %.2f | %.0f | %.2f | %.0f |\n" : "%-28s%10d%11.2f%7.0f%11.2f%7.0f%9.2f%7.0f\n"
          printf format, $1, $2, $4 / 1e3, $3 / 1024, $6 / 1e3, $5 / 1024, $8 / 1e3, $7 / 1024 }' "$work/rows"
}

print_targets() {
    local question helvino_kib helvino_ms sqlite_ms postgres_ms as_fast=0 peak=0 exported ms
    echo
    [ "$markdown" = 0 ] || printf '| target | measured | wanted | met |\n|---|---:|---:|---|\n'
    while read -r question _ helvino_kib helvino_ms _ sqlite_ms _ postgres_ms; do
        ((helvino_kib <= peak)) || peak=$helvino_kib
        [ "$question" != overview ] || continue
        print_target "$question, ms beside PostgreSQL's" "$helvino_ms" "<=" "$postgres_ms"
        ((helvino_ms > sqlite_ms)) || as_fast=$((as_fast + 1))
    done <"$work/rows"
    print_target "of the three not slower than the SQLite file" "$as_fast" ">=" 2
    print_target "peak memory beside the map, MiB" $((peak / 1024)) "<=" 128
    read -r exported ms <"$work/exported"
    print_target "export as ndjson, rows/s" $((exported * 1000 / (ms > 0 ? ms : 1))) ">=" 1000000
}

make_generated "$place/data" "$visitors"
make_sqlite
make_postgres
write_questions
for question in "${QUESTIONS[@]}"; do
    measure_question "$question" >>"$work/rows"
done
measure_export >"$work/exported"

echo "SQL on $visitors visitors, $((3 * visitors)) conversations and $((10 * visitors)) messages: helvino's file" \
    "$(du -m "$place/data/data.mdb" | cut -f1) MiB, SQLite's $(du -m "$place/export.sqlite" | cut -f1) MiB;" \
    "$(sqlite3 --version | cut -d' ' -f1 | sed 's/^/sqlite3 /'), $(psql_here -At -c "SELECT 'PostgreSQL ' || current_setting('server_version')")."
echo
print_table
print_targets
