#!/usr/bin/env bash
# Usage: format.sh [--check]
#
# Formats the C sources, or with --check only says where they are not. The .def tables are aligned by hand and stay so.
set -euo pipefail
cd "$(dirname "$0")/../.."

options=(-i)
[ "${1:-}" != --check ] || options=(--dry-run -Werror)
find src tools tests -name '*.[ch]' -print0 | xargs -0 -r clang-format -style=file:tools/lint/clang-format "${options[@]}"
