#!/usr/bin/env bash
# Usage: readme.sh [--check]
#
# Fills the README's generated tables: what stands between "<!-- helvino ARGUMENTS -->" and "<!-- end -->" is what the release build
# prints for those arguments. --check changes nothing and fails when a table is not as it should be.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${HELVINO_BIN:-build/release/helvino}
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

inside=0
while IFS= read -r line; do
    if [[ $line == "<!-- end -->" ]]; then
        inside=0
    fi
    if [ "$inside" = 0 ]; then
        printf '%s\n' "$line"
    fi
    if [[ $line =~ ^"<!-- helvino "(.*)" -->"$ ]]; then
        read -ra arguments <<<"${BASH_REMATCH[1]}"
        "$binary" "${arguments[@]}"
        inside=1
    fi
done <README.md >"$fresh"

if [ "${1-}" = --check ]; then
    diff -u README.md "$fresh" && exit 0
    echo "readme.sh: the tables of README.md are stale; run tools/readme.sh" >&2
    exit 1
fi
cat "$fresh" >README.md
