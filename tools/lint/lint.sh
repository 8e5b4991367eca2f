#!/usr/bin/env bash
# Usage: CPPFLAGS=... CFLAGS=... lint.sh       (make lint)
#
# Runs every check, also after one has failed, so that one run shows all there is to mend.
# shellcheck disable=SC2317 # functions are called by name
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

read -ra flags <<<"$CPPFLAGS $CFLAGS"
mapfile -t sources < <(find src tools tests -name '*.c' | sort)
mapfile -t headers < <(find src tools -name '*.h' | sort)
mapfile -t scripts < <(grep -rlE '^#!.*\b(ba)?sh$' --include='*' --exclude-dir=node_modules \
    tools tests vendor widget .ci 2>/dev/null | sort)
jobs=$(nproc)

each() { # COMMAND... : runs it with each of the lines of standard input as its last argument
    xargs -r -d '\n' -P "$jobs" -n 1 "$@"
}

compiles() { # COMPILER
    printf '%s\n' "${sources[@]}" | each "$1" "${flags[@]}" -fsyntax-only
}

stands_alone() {
    # A header given as the main file would make `#pragma once` complain.
    printf '%s\n' "${headers[@]}" | each gcc "${flags[@]}" -fsyntax-only -x c /dev/null -include
}

cppcheck_is_quiet() {
    [ ${#sources[@]} = 0 ] || cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
        --error-exitcode=1 --suppressions-list=tools/lint/cppcheck-suppressions -j "$jobs" -Isrc -D_GNU_SOURCE "${sources[@]}"
}

only_adds() {
    # Our patches hold our lines alone: a context or a removed line would be third-party source in this tree.
    ! awk 'FNR == 1 { body = 0 } /^@@/ { body = 1; next } /^--- / { body = 0 } body && !/^\+/ { print FILENAME ": " $0 }' \
        vendor/patches/*.patch | grep .
}

names_no_mirror() {
    # Where packages come from is the machine's own affair.
    ! git grep -nIE 'https?://[a-z0-9.-]*(debian|ubuntu|npm|mirror)' -- . ':!*.lock' ':!*package-lock.json'
}

failed=0
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        echo "lint: $name: ok"
    else
        echo "lint: $name: FAILED"
        failed=1
    fi
}

check "formatting (make fmt mends it)" tools/lint/format.sh --check
[ ${#sources[@]} = 0 ] || check "gcc has no complaint" compiles gcc
[ ${#sources[@]} = 0 ] || check "clang has no complaint" compiles clang
[ ${#headers[@]} = 0 ] || check "each header stands alone" stands_alone
check "cppcheck has no complaint" cppcheck_is_quiet
check "rooms include only what lies below" tools/lint/rooms
check "shellcheck has no complaint" shellcheck "${scripts[@]}"
check "patches only add" only_adds
check "no package mirror is named" names_no_mirror
exit "$failed"
