#!/usr/bin/env bash
# Usage: setup.sh PURPOSE...       (build, try, test, lint, bench)
#
# Installs what this machine lacks for the named purposes, from its own Debian or Ubuntu packages, and says what and
# why. When nothing is missing it says nothing and takes a few milliseconds, so the Makefile can call it every time.
set -euo pipefail

missing=()

need() { # PACKAGE WHY [COMMAND]: a command on PATH will do, wherever it came from
    if [ $# -gt 2 ]; then
        ! command -v "$3" >/dev/null || return 0
    elif [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; then
        return 0
    fi
    missing+=("$1")
    echo "setup: $1 is missing ($2)"
}

is_debian() {
    grep -qx 'ID=debian' /etc/os-release
}

node_is_recent() {
    local version
    version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge 18 ]
}

# It goes by several names; only Debian's is a package that works everywhere.
need_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        ! command -v "$name" >/dev/null || return 0
    done
    if is_debian; then need chromium "$1"; else need chromium-browser "$1"; fi
}

# Debian keeps PostgreSQL's own programs in a folder for each version, not on PATH.
need_postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need postgresql "$1" initdb
}

for purpose in "$@"; do
    case $purpose in
    build)
        need gcc "compiles the server" gcc
        need g++ "the build of libh2o asks for it" g++
        need libc6-dev "the C library, static too"
        need cmake "builds libh2o and msgpack-c" cmake
        need patch "applies vendor/patches" patch
        need xz-utils "unpacks sources" xz
        need pkg-config "knows what OpenSSL links with" pkg-config
        need libssl-dev "TLS"
        need libzstd-dev "the static OpenSSL of newer releases calls it"
        need libc-ares-dev "resolves names for webhooks and mail"
        need zlib1g-dev "compressed answers"
        need libsodium-dev "hashes of tokens"
        need libsqlite3-dev "SQL of the dump tool"
        node_is_recent || need nodejs "bundles the widget"
        need npm "fetches what that takes" npm
        need zopfli "makes the widget's files smaller than gzip does" zopfli
        # Ubuntu's archive lacks some of our pinned sources; debootstrap knows the address of Debian's.
        is_debian || need debootstrap "knows a Debian mirror" debootstrap
        ;;
    try)
        need curl "runs the printed examples" curl
        need jq "reads their answers" jq
        ;;
    test)
        need libcmocka-dev "unit tests"
        need curl "checks the server from outside" curl
        need jq "reads its answers" jq
        need openssl "TLS tests" openssl
        need strace "fault tests" strace
        need util-linux "runs the server in an empty root" unshare
        need iproute2 "gives tests a network of their own" ip
        need_postgres "answers the same SQL as we do"
        need sqlite3 "the same" sqlite3
        need_chromium "browser tests"
        ;;
    lint)
        need clang "the second compiler" clang
        need clang-format "one style" clang-format
        need cppcheck "finds bugs" cppcheck
        need shellcheck "the same for scripts" shellcheck
        ;;
    bench)
        need wrk "the load generator" wrk
        need_postgres "measured beside us"
        need sqlite3 "the same" sqlite3
        need util-linux "runs PostgreSQL as somebody else than root" setpriv
        ;;
    *)
        echo "setup: unknown purpose $purpose (build, try, test, lint, bench)" >&2
        exit 2
        ;;
    esac
done

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "setup: not root, and there is no sudo: run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
}

# The package would make and start a server of its own; the tests start theirs.
CREATE_NO_CLUSTER=/etc/postgresql-common/createcluster.d/helvino-setup.conf

refuse_cluster() {
    [[ " ${missing[*]} " = *" postgresql "* ]] || return 0
    as_root mkdir -p "${CREATE_NO_CLUSTER%/*}"
    echo 'create_main_cluster = false' | as_root tee "$CREATE_NO_CLUSTER" >/dev/null
    trap allow_cluster EXIT
}

allow_cluster() { # for whoever installs another version later
    as_root rm -f "$CREATE_NO_CLUSTER"
    as_root rmdir --ignore-fail-on-non-empty "${CREATE_NO_CLUSTER%/*}"
}

install_missing() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing ${missing[*]}"
    refuse_cluster
    # The lists may be absent or older than the archive: one refresh, and the second failure is a real one.
    install_missing >/dev/null 2>&1 || {
        as_root apt-get update -qq
        install_missing
    }
fi

# What apt installs can still be too old, and a clear word now beats a strange error later.
if [[ " $* " = *" build "* ]] && ! node_is_recent; then
    echo "setup: the widget and the tests need Node.js 18 or later; found $(node --version 2>/dev/null || echo none)" >&2
    exit 1
fi
