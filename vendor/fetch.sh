#!/usr/bin/env bash
# Usage: fetch.sh FOLDER
#
# Puts every file of vendor.lock into FOLDER and checks all of them, on every call, against their sha256. What is there
# and right is not fetched again, so a second build needs no network.
#
# The files are Debian source archives. They come from the mirrors that this machine already uses, because those are the
# ones its owner trusts and can reach: no address is written here. apt's own downloader does the fetching, so its
# proxies and its mirror lists hold here too, and nothing else has to be installed.
set -euo pipefail

folder=${1:?usage: fetch.sh FOLDER}
lock=$(cd "$(dirname "$0")" && pwd)/vendor.lock

# The mirrors to ask, best first: the operator's word, those of apt's configuration, and the one that debootstrap would
# take for a new Debian (the way out on Ubuntu, whose archive does not have all of these versions).
mirrors() {
    echo "${HELVINO_DEBIAN_MIRROR:-}"
    # shellcheck disable=SC2016 # apt fills in the field
    apt-get indextargets --format '$(SITE)' 'Component: main' 2>/dev/null || true
    [ ! -r /usr/sbin/debootstrap ] || sed -n 's/^DEF_MIRROR="\(.*\)"$/\1/p' /usr/sbin/debootstrap
}

is_right() { # FILE SHA256
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

fetch() { # FILE SHA256 POOL_FOLDER
    local mirror
    for mirror in $(mirrors | awk 'NF && !seen[$0]++'); do
        # Archives escape the plus sign, as apt does. A half-fetched file must never carry the final name.
        if /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file \
            "${mirror%/}/$3/${1//+/%2b}" "$folder/$1.part" "SHA256:$2" 2>"$folder/error" &&
            is_right "$folder/$1.part" "$2"; then
            mv "$folder/$1.part" "$folder/$1"
            echo "vendor: fetched $1"
            return
        fi
        rm -f "$folder/$1.part"
    done
    cat "$folder/error" >&2 || true
    echo "vendor: no mirror known to this machine has $3/$1 with the sha256 of vendor.lock;" \
        "set HELVINO_DEBIAN_MIRROR to the base address of a Debian mirror that does" >&2
    return 1
}

mkdir -p "$folder"
while read -r _ _ file sha256 pool; do
    is_right "$folder/$file" "$sha256" || fetch "$file" "$sha256" "$pool"
done < <(grep -v '^#' "$lock")
rm -f "$folder/error"
