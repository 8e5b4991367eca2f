#!/usr/bin/env bash
# Usage: build.sh FLAVOUR [FOLDER]       (release, asan or tsan; FOLDER is build/vendor by default)
#
# Builds the static libraries of vendor.lock into FOLDER/FLAVOUR/{include,lib}. A stamp remembers a hash of everything
# that decides the result, so that a second call costs a few milliseconds and a changed patch is never missed. The
# result is made aside and moved into place at the end: what stands in FOLDER/FLAVOUR is always complete.
set -euo pipefail

flavour=${1:?usage: build.sh release|asan|tsan [FOLDER]}
here=$(cd "$(dirname "$0")" && pwd)
root=${2:-$here/../build/vendor}
mkdir -p "$root"
root=$(cd "$root" && pwd)

# Objects of gcc and clang link together, but a sanitizer's runtime is the compiler's own.
cc=gcc
[ "$flavour" = release ] || cc=${CC:-gcc}
common="-g -fPIE -fno-omit-frame-pointer"
case $flavour in
# Asserts stay on (no NDEBUG): stopping is safer than going on with a broken invariant.
release) cflags="$common -O2 -fstack-protector-strong -fno-plt -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2" ;;
asan) cflags="$common -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined" ;;
tsan) cflags="$common -O1 -fsanitize=thread" ;;
*)
    echo "vendor: unknown flavour $flavour (release, asan, tsan)" >&2
    exit 2
    ;;
esac
defines=$(cat "$here/defines")

# One builder at a time: two makes in one tree would otherwise build into the same folders.
exec 9>"$root/.lock"
flock 9

stamp=$({
    cat "$here/vendor.lock" "$here/defines" "$here/build.sh" "$here"/patches/*.patch
    echo "$flavour"
    "$cc" --version
} | sha256sum | cut -d' ' -f1)
if [ "$(cat "$root/$flavour/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

"$here/fetch.sh" "$root/src"
work=$root/work-$flavour
out=$work/out
log=$root/$flavour.log
rm -rf "$work"
mkdir -p "$out/include" "$out/lib"
# An assert prints the path of its source: a short one, and the same on every machine.
cflags="$cflags -ffile-prefix-map=$work/="

unpack() { # NAME: its source stands in $work/NAME afterwards
    mkdir "$work/$1"
    tar -xf "$root/src/$(awk -v name="$1" '$1 == name { print $3 }' "$here/vendor.lock")" \
        --directory "$work/$1" --strip-components=1
}

apply_patches() { # NAME: ours, in the order of their names
    local patch
    for patch in "$here/patches/$1"-*.patch; do
        patch -s -p1 <"$patch"
    done
}

build_h2o() {
    local patch
    unpack h2o
    unpack h2o-debian
    cd "$work/h2o"
    while read -r patch; do
        patch -s -p1 <"$work/h2o-debian/patches/$patch"
    done <"$work/h2o-debian/patches/series"
    apply_patches h2o
    # Only the library for its own event loop is wanted, so what the machine has of libuv, wslay and libyaml must not
    # matter: cmake finds those by pkg-config, and is told that there is none.
    cmake -S . -B build -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags $defines" \
        -DPKG_CONFIG_EXECUTABLE= -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DDISABLE_LIBUV=on -DBUILD_SHARED_LIBS=off -DWITH_BUNDLED_SSL=off \
        -DWITH_MRUBY=off -DWITH_PICOTLS=off
    cmake --build build --target libh2o-evloop -- -j"$(nproc)"
    cp build/libh2o-evloop.a "$out/lib/"
    cp -R include/h2o.h include/h2o "$out/include/"
}

build_lmdb() {
    unpack lmdb
    cd "$work/lmdb"
    apply_patches lmdb
    cd libraries/liblmdb
    # fdatasync has flushed a changed file size since Linux 3.6, so the check at each open can go. MDB_MAXKEYSIZE stays
    # at its default of 511: a file that Debian's own mdb_dump and mdb_copy can read is worth more than longer keys.
    # shellcheck disable=SC2086 # flags are words
    "$cc" $cflags -pthread -DMDB_FDATASYNC_WORKS=1 -W -Wall -Wno-unused-parameter -c mdb.c midl.c
    ar rcs "$out/lib/liblmdb.a" mdb.o midl.o
    cp lmdb.h "$out/include/"
}

build_msgpack_c() {
    unpack msgpack-c
    cd "$work/msgpack-c"
    cmake -S . -B build -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" \
        -DCMAKE_INSTALL_PREFIX="$out" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=off -DMSGPACK_BUILD_TESTS=off \
        -DMSGPACK_BUILD_EXAMPLES=off
    cmake --build build --target install -- -j"$(nproc)"
}

build_curl() {
    # HTTP and SMTP, each with and without TLS, and nothing else of what curl can do: what is not compiled in needs no
    # care. c-ares resolves names, because a static glibc can't load the system's own lookups.
    local off=(ALTSVC AWS BEARER_AUTH COOKIES DICT DOH FILE FORM_API FTP GETOPTIONS GOPHER HEADERS_API HSTS
        HTTP_AUTH IMAP IPFS KERBEROS_AUTH LDAP LDAPS LIBCURL_OPTION MIME MQTT NEGOTIATE_AUTH NETRC NTLM
        OPENSSL_AUTO_LOAD_CONFIG POP3 PROGRESS_METER PROXY RTSP SHA512_256 SMB SRP TELNET TFTP WEBSOCKETS)
    off=("${off[@]/#/-DCURL_DISABLE_}")
    off=("${off[@]/%/=on}")
    unpack curl
    cd "$work/curl"
    cmake -S . -B build -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" \
        -DCMAKE_INSTALL_PREFIX="$out" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=off -DBUILD_STATIC_LIBS=on \
        -DBUILD_CURL_EXE=off -DBUILD_TESTING=off -DBUILD_EXAMPLES=off -DBUILD_LIBCURL_DOCS=off -DBUILD_MISC_DOCS=off \
        -DENABLE_CURL_MANUAL=off -DPICKY_COMPILER=off -DCURL_USE_OPENSSL=on -DENABLE_ARES=on -DENABLE_IPV6=on \
        -DENABLE_UNIX_SOCKETS=off -DENABLE_THREADED_RESOLVER=off -DCURL_ZLIB=off -DCURL_BROTLI=off -DCURL_ZSTD=off \
        -DUSE_NGHTTP2=off -DUSE_LIBIDN2=off -DCURL_USE_LIBPSL=off -DCURL_USE_LIBSSH2=off -DCURL_CA_BUNDLE=none \
        -DCURL_CA_PATH=none "${off[@]}"
    cmake --build build --target install -- -j"$(nproc)"
}

build_yyjson() {
    unpack yyjson
    cd "$work/yyjson"
    # shellcheck disable=SC2086 # flags are words
    "$cc" $cflags $defines -std=c99 -c src/yyjson.c
    ar rcs "$out/lib/libyyjson.a" yyjson.o
    cp src/yyjson.h "$out/include/"
}

echo "vendor: building the libraries for $flavour (log: ${log#"$PWD"/})"
show_failure() {
    [ "$?" = 0 ] || {
        tail -n 40 "$log" >&3
        echo "vendor: a library failed to build; the whole log is in $log" >&3
    }
}
exec 3>&2 >"$log" 2>&1
trap show_failure EXIT
for library in h2o lmdb msgpack_c yyjson curl; do
    echo "== $library"
    ("build_$library")
done

echo "$stamp" >"$out/stamp"
rm -rf "${root:?}/$flavour"
mv "$out" "$root/$flavour"
rm -rf "$work"
