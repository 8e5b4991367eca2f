#!/usr/bin/env bash
# Usage: pack.sh FILE.sql...       prints C: the files as strings, by their names, in order
set -euo pipefail

echo '#include "dump/reports.h"'
echo 'const struct report_file report_files[] = {'
for file in "$@"; do
    printf '    {"%s",\n' "$(basename "$file" .sql)"
    sed -e 's/[\\"]/\\&/g' -e 's/?/\\?/g' -e 's/^/        "/' -e 's/$/\\n"/' "$file"
    echo '    },'
done
echo '    {0},'
echo '};'
