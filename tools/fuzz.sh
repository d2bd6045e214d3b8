#!/usr/bin/env bash
# Builds the fuzzers and runs each for FUZZ_SECONDS (default 60) from its corpus; fails at the first finding.
# usage: tools/fuzz.sh [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}

if [ ! -f build-fuzz/build.ninja ]; then
	CC=clang meson setup build-fuzz -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzzers=true \
		-Dtests=false
fi
ninja -C build-fuzz
mkdir -p build-fuzz/found

run() {
	local target=$1 name=${1##*/}
	mkdir -p "build-fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}"
	echo "== $name, $seconds s"
	# New inputs go to the first folder, outside of the source; those worth keeping are copied to the second by hand.
	UBSAN_OPTIONS=halt_on_error=1 "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="build-fuzz/found/$name-" \
		"build-fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}"
}

for target in build-fuzz/tests/fuzz/fuzz_*; do
	[ -x "$target" ] && [ -f "$target" ] || continue
	name=${target##*/}
	[ $# = 0 ] || [[ " $* " == *" $name "* || " $* " == *" ${name#fuzz_} "* ]] || continue
	run "$target"
done
