#!/usr/bin/env bash
# usage: tools/format.sh [--check] [FILE...]   formats C files (all of them) by .clang-format, or tells which aren't
set -eu
cd "$(dirname "$0")/.."
mode=-i
[ "${1:-}" != --check ] || { mode=--dry-run; shift; }
if [ $# = 0 ]; then
	mapfile -t files < <(git ls-files 'src/*.[ch]' 'tests/*.[ch]' | while read -r f; do [ ! -e "$f" ] || echo "$f"; done)
	set -- "${files[@]}"
fi
exec clang-format "$mode" --Werror "$@"
