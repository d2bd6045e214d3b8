#!/usr/bin/env bash
# Builds the fuzzers and runs each for FUZZ_SECONDS (default 60) from its corpus; fails at the first finding.
# FUZZ_RUNS=N instead: N inputs from the stored corpus by a fixed seed, which finds the same on every machine.
# usage: tools/fuzz.sh [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
runs=${FUZZ_RUNS:-}

if [ ! -f build-fuzz/build.ninja ]; then
	CC=clang meson setup build-fuzz -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzzers=true \
		-Dtests=false
fi
ninja -C build-fuzz
mkdir -p build-fuzz/found

run() {
	local target=$1 name=${1##*/}
	mkdir -p "build-fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}"
	if [ -n "$runs" ]; then
		echo "== $name, $runs inputs"
		rm -rf --one-file-system "build-fuzz/fresh/$name"
		mkdir -p "build-fuzz/fresh/$name"
		set -- -runs="$runs" -seed=1 -max_total_time=60 "build-fuzz/fresh/$name"
	else
		echo "== $name, $seconds s"
		set -- -max_total_time="$seconds" "build-fuzz/corpus/$name"
	fi
	# New inputs go to the first folder, outside of the source; those worth keeping are copied to the second by hand.
	UBSAN_OPTIONS=halt_on_error=1 "$target" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="build-fuzz/found/$name-" \
		"$@" "tests/fuzz/corpus/${name#fuzz_}"
}

for target in build-fuzz/tests/fuzz/fuzz_*; do
	[ -x "$target" ] && [ -f "$target" ] || continue
	name=${target##*/}
	[ $# = 0 ] || [[ " $* " == *" $name "* || " $* " == *" ${name#fuzz_} "* ]] || continue
	run "$target"
done
