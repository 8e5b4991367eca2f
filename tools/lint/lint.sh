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

typescript_compiles() {
    widget/node_modules/.bin/tsc --noEmit -p widget && widget/node_modules/.bin/tsc --noEmit -p widget/inbox
}

widget_sources() { # PATTERN: fails where it is found, comments aside
    ! grep -rnE --include='*.ts' --include='*.tsx' --exclude-dir=node_modules "$1" widget | grep -vE '^[^:]+:[0-9]+:\s*(//|\*|/\*)' | grep .
}

widget_has_no_any() {
    # strict refuses those that nobody wrote
    widget_sources '(:|\bas|<|\||&|=|,|\()\s*any\b(\s*[],;)>=|&{[]|$)|@ts-(ignore|nocheck|expect-error)'
}

widget_makes_no_code_of_text() {
    widget_sources '\b(inner|outer)HTML\b|insertAdjacentHTML|dangerouslySetInnerHTML|setHTMLUnsafe|createContextualFragment|document\.write|\beval\b|\bnew Function\b|set(Timeout|Interval)\(\s*["'"'"'`]'
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
check "TypeScript has no complaint" typescript_compiles
check "the widget's types have no any" widget_has_no_any
check "the widget makes no code of text" widget_makes_no_code_of_text
check "the widget weighs what was promised" node widget/size.mjs
check "patches only add" only_adds
check "no package mirror is named" names_no_mirror
exit "$failed"
