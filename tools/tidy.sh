#!/usr/bin/env bash
# usage: tools/tidy.sh [BUILD]   clang-tidy over src/, by .clang-tidy, two files at a time
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
# clang doesn't know all of gcc's options that stand in the compilation database.
git ls-files 'src/*.c' | xargs -P 2 -n 4 clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option \
	--extra-arg=-Wno-ignored-optimization-argument 2>/dev/null
