# What tests call; tests/README.md describes it. Sourced by one.sh with `set -Eeuo pipefail`.

started=()
status=0 out="" err=""

# Where in the test we are: the first caller outside of this file.
where() {
	local i
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		case ${BASH_SOURCE[i]} in
		*/tests/lib/*) ;;
		*) echo "${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}" && return ;;
		esac
	done
}

tell_failure() {
	[ -n "${told:-}" ] || echo "$(where): failed with $1: $2" >&2
	told=yes
}

fail() {
	echo "$(where): $*" >&2
	told=yes
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

# Skips unless all of the commands are installed.
need() {
	local name
	for name; do
		command -v "$name" >/dev/null || skip "$name is not installed"
	done
}

# Runs a command; its exit status is in $status, its output in $out and $err.
capture() {
	status=0
	"$@" >"$T/.out" 2>"$T/.err" || status=$?
	out=$(tr -d '\0' <"$T/.out")
	err=$(tr -d '\0' <"$T/.err")
}

show_captured() {
	printf '%s\n' "stdout:" "$out" "stderr:" "$err" | head -c 4000
}

expect_ok() {
	capture "$@"
	[ "$status" = 0 ] || { show_captured; fail "expected success, got exit status $status: $*"; }
}

# expect_fail STATUS COMMAND...; STATUS "any" is each but 0 and those of a crash.
expect_fail() {
	local expected=$1
	shift
	capture "$@"
	case $expected:$status in
	any:0 | any:134 | any:139) ;;
	any:* | "$status:$status") return 0 ;;
	esac
	show_captured
	fail "expected exit status $expected, got $status: $*"
}

expect_eq() {
	[ "$1" = "$2" ] || fail "expected '$2', got '$1'${3:+: $3}"
}

# expect_match TEXT REGEX (extended, found anywhere).
expect_match() {
	[[ $1 =~ $2 ]] || fail "no match of '$2' in: $1"
}

expect_no_match() {
	[[ ! $1 =~ $2 ]] || fail "match of '$2' in: $1"
}

expect_file() {
	[ -e "$1" ] || [ -L "$1" ] || fail "there is no $1"
}

expect_no_file() {
	[ ! -e "$1" ] && [ ! -L "$1" ] || fail "there is $1"
}

# Waits for a command to succeed, for at most so many seconds: wait_for 5 test -e "$T/ready". On a busy machine everything takes
# longer, and whoever waits in vain has failed anyhow: so never less than 20.
wait_for() {
	local end=$((${EPOCHREALTIME/[.,]/} + ($1 < 20 ? 20 : $1) * 1000000))
	shift
	[ -p "$T/.tick" ] || mkfifo "$T/.tick"
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || fail "waited in vain for: $*"
		read -r -t 0.02 <>"$T/.tick" || :
	done
}

# Starts a command in the background, its output in $T/start.out and $T/start.err; sets $pid, which is the
# command's own where that is a program. What still runs when the test ends is killed.
start() {
	if [ "$(type -t "$1")" = file ]; then
		(trap - ERR EXIT; exec "$@") >"$T/start.out" 2>"$T/start.err" &
	else
		"$@" >"$T/start.out" 2>"$T/start.err" &
	fi
	pid=$!
	started+=("$pid")
}

# Waits for what `start` began; sets $status.
finish() {
	status=0
	wait "${1:-$pid}" || status=$?
}

end_started() {
	local p
	for p in "${started[@]}"; do
		kill -KILL "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
	done
}

# The image "busybox" in this test's store, or by another name.
use_busybox() {
	[ -e "$FIXTURES/busybox.tar" ] || skip "busybox is not installed"
	cloche import "$FIXTURES/busybox.tar" "${1:-busybox}" >/dev/null
}

# The image "debian:bookworm" (whatever release the machine is) in this test's store; the file of tests has the header
# "# fixtures: debian".
use_debian() {
	[ -e "$FIXTURES/debian.tar" ] || skip "no Debian base: $(cat "$FIXTURES/debian.why" 2>&1)"
	cloche import "$FIXTURES/debian.tar" debian:bookworm >/dev/null
}

# on_small_fs SIZE INODES COMMAND...: runs it with an empty file system of that size at $T/small, mounted in a
# namespace that ends with it (SIZE as in "8m"; INODES 0: no limit).
on_small_fs() {
	local size=$1 inodes=$2 map=()
	shift 2
	mkdir -p "$T/small"
	[ "$(id -u)" = 0 ] || map=(--map-root-user)
	unshare --mount --propagation private "${map[@]}" sh -c \
		'mount -t tmpfs -o "size=$1,nr_inodes=$2,mode=755" tmpfs "$3/small" || exit 1; shift 3; exec "$@"' sh "$size" "$inodes" "$T" "$@"
}

# Skips where no process of ours can be traced and killed.
need_strace() {
	need strace
	[ "$KIND" != subids ] || skip "newuidmap has no rights in a process that is traced"
}

# kill_at_each CALLS COMMAND...: runs it again and again, killed by SIGKILL at the first, second, third … of the named
# system calls (in ever larger steps), until it gets through. After each kill the command $AFTER_KILL, if there is one.
kill_at_each() {
	local calls=$1 n got
	shift
	for ((n = 1; n < 5000; n += 1 + n / 8)); do
		got=0
		{
			strace -f -qq -o "$T/.trace" -e trace="$calls" -e inject="$calls":signal=SIGKILL:when="$n" "$@" \
				>"$T/.killed.out" 2>&1 </dev/null || got=$?
		} 2>/dev/null # bash tells of each that was killed
		[ -z "${AFTER_KILL:-}" ] || "$AFTER_KILL"
		[ "$got" != 0 ] || break
		# What is killed may be a helper: then the command itself says so and ends with 125.
		[ "$got" = 137 ] || [ "$got" = 125 ] || { cat "$T/.killed.out"; fail "exit status $got, killed at call $n of $calls"; }
	done
	[ "$got" = 0 ] || fail "still not through after $n kills"
	[ "$n" -gt 1 ] || fail "was never killed: no call of $calls"
}

# Changes one byte in the middle of a file, as a disk that rots does, whether it may be written to or not.
rot() {
	python3 - "$1" <<'END'
import os, sys
os.chmod(sys.argv[1], 0o644)
with open(sys.argv[1], "r+b") as f:
    f.seek(os.path.getsize(sys.argv[1]) // 2)
    byte = f.read(1)
    f.seek(-1, 1)
    f.write(bytes([byte[0] ^ 1]))
END
}
