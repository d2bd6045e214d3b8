#!/usr/bin/env bash
# All quality gates, one after the other; `make check` and continuous integration run this. Each gate and each
# test counts; the last line is "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.."
logs=build-logs
mkdir -p "$logs"
counts=$logs/counts
: >"$counts"
started=$SECONDS

# gate NAME COMMAND...: passes or fails as a whole; shows the end of its output when it fails.
gate() {
	local name=$1 log="$logs/$1.log" began=$SECONDS
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		echo "ok - gate $name ($((SECONDS - began))s)"
		echo "1 0 0" >>"$counts"
		return 0
	fi
	echo "not ok - gate $name ($((SECONDS - began))s)"
	tail -n 40 "$log" | sed 's/^/#   /'
	echo "0 1 0" >>"$counts"
	return 1
}

# build FOLDER OPTIONS...: compiles with warnings as errors.
build() {
	local folder=$1
	shift
	[ -f "$folder/build.ninja" ] || meson setup "$folder" -Dwerror=true "$@" || return 1
	ninja -k 0 -C "$folder"
}

build_clang() {
	CC=clang build build-clang -Dbuildtype=release
}

# Tests count themselves; a runner that breaks before it counts is a failure too.
tests() {
	local lines
	lines=$(wc -l <"$counts")
	tests/run --counts "$counts" "$@"
	[ "$(wc -l <"$counts")" -gt "$lines" ] || echo "0 1 0" >>"$counts"
}

gate structure tools/check_structure.py
gate format tools/format.sh --check
if gate build-gcc build build-check -Dbuildtype=release; then
	tests -B build-check --unit
fi
gate build-clang build_clang
if gate build-sanitized build build-asan -Dbuildtype=debug -Db_sanitize=address,undefined; then
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		tests -B build-asan --only-unit --label sanitized
fi
gate fuzz env FUZZ_RUNS="${FUZZ_RUNS:-5000}" tools/fuzz.sh

echo "# took $((SECONDS - started)) seconds"
awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$counts"
