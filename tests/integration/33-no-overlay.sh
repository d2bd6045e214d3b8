# Where the kernel refuses an overlay (here: its upper folder would be on another overlay), a container gets a tree of its own.

on_overlay() {
	mkdir -p lower upper work "$T/over"
	local map=()
	[ "$(id -u)" = 0 ] || map=(--map-root-user)
	capture unshare --mount --propagation private "${map[@]}" bash -Eeuo pipefail -c \
		'mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work,userxattr "$0/over"
		c() { "$CLOCHE" --root "$0/over/root" --runroot "$0/runroot" "$@"; }
		'"$1" "$T"
	[ "$status" = 0 ] || { show_captured; fail "exit status $status"; }
}

test_the_image_is_copied_and_that_is_said() {
	on_overlay 'c import "$FIXTURES/busybox.tar" busybox >/dev/null
		c run --network none -q --name one busybox sh -c "rm -r /root; echo mine >/made"
		c run --rm --network none -q busybox sh -c "ls -d /root; ls /made || true" 2>/dev/null
		c export one | tar -tf - made
		! c diff one'
	expect_match "$out" "/root"
	expect_match "$out" "made"
	expect_match "$err" "refuses an overlay.*copied"
	expect_match "$err" "not kept apart"
}

test_read_only_roots_are_links() {
	on_overlay 'c import "$FIXTURES/busybox.tar" busybox >/dev/null
		c run --rm --network none --read-only busybox stat -c %h /bin/busybox'
	[ "$out" -gt 1 ] || fail "not a link: $out"
	expect_match "$err" "linked"
}

# Its layers have stand-ins for whiteouts, which an overlay would show as files.
test_a_store_that_was_moved_is_still_copied() {
	on_overlay 'c import "$FIXTURES/busybox.tar" busybox >/dev/null
		mkdir "$0/context"
		printf "FROM busybox\nRUN rm /bin/ls && echo two >/two\n" >"$0/context/Dockerfile"
		c build -q --network none -t two "$0/context" >/dev/null
		c export two >"$0/there.tar"'
	moved() { cloche --root upper/root --runroot "$T/runroot-moved" "$@"; }
	moved export two >"$T/here.tar"
	for tar in there here; do
		tar -tf "$T/$tar.tar" >"$T/$tar.list"
		grep -qx bin/sh "$T/$tar.list" || fail "$tar: no bin/sh"
		grep -qx two "$T/$tar.list" || fail "$tar: no two"
		! grep -qx bin/ls "$T/$tar.list" || fail "$tar: bin/ls is back"
	done
	[ "$KIND" != root ] || expect_file upper/root/copies-only
	expect_eq "$(ls -A upper/root/tmp)" ""
	expect_ok moved create --name one two true
	[ "$KIND" != root ] || { expect_fail 125 moved cp one:/two "$T/out"; expect_match "$err" "refuses an overlay"; }
}
