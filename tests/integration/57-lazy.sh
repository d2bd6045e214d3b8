# `run --lazy`: a container begins before its image has come. The registry sends parts of blobs as they are asked for, and of
# a whole blob only the beginning until it is told to go on: what runs before that, runs on parts.
# once: test_content_that_is_not_the_tables_is_never_read test_a_table_that_the_manifest_does_not_name
# once: test_what_cannot_be_lazy_is_pulled test_zstd_chunked_runs_before_it_has_come

other() {
	"$CLOCHE" --root "$T/other" --runroot "$T/other-run" "$@"
}

# start_lazy KIND [CHANGE ...]: a registry with an image of that format; sets $image.
start_lazy() {
	[ -e "$FIXTURES/busybox.tar" ] || skip "busybox is not installed"
	need zstd python3
	mkdir -p "$T/more/data"
	head -c 300000 /dev/urandom >"$T/more/data/big"
	echo later >"$T/more/data/later"
	printf '#!/bin/sh\necho script\n' >"$T/more/data/script"
	chmod 755 "$T/more/data/script"
	cp "$FIXTURES/busybox.tar" "$T/all.tar"
	tar -C "$T/more" --owner 12 --group 34 --mtime 2001-02-03T04:05:06Z --mode u+s -rf "$T/all.tar" data
	cloche import "$T/all.tar" lazy >/dev/null
	cloche save --format oci-dir -o "$T/layout" lazy
	python3 "$SRC/tests/tools/lazy_image.py" "$T/layout" "$@"
	python3 "$SRC/tests/tools/bad_registry.py" "$T/layout" "$T/requests" "$T/bad-port" &
	registry_pid=$!
	wait_for 20 test -e "$T/bad-port"
	host=127.0.0.1:$(cat "$T/bad-port")
	image=$host/lazy/box:x
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" >"$T/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$T/registries.conf
}

stop_registry() {
	kill "$registry_pid"
	wait "$registry_pid" || true
}

expect_nothing_left() {
	expect_eq "$(ls "$T/other/tmp" "$T/other/trash" "$T/other/containers" | grep -v ':$\|^$\|^by-name$\|^index$')" ""
}

run_lazily() {
	other run --rm -i --lazy --network none "$image" "$@"
}

# One container of each format reads, executes, changes and asks for what has not come; nobody ever sends a whole layer.
runs_on_parts() {
	start_lazy "$@"
	# What runs in the container, not here.
	# shellcheck disable=SC2016
	expect_ok run_lazily sh -c 'echo hello; stat -c "%a %u:%g %s %Y" /data/big /data/script; cat /data/later
		/data/script; md5sum </data/big; echo more >>/data/later; cat /data/later; stat -c "%a %u:%g %s %Y" /data/big'
	expect_eq "$out" "hello
4644 12:34 300000 981173106
4755 12:34 22 981173106
later
script
$(md5sum <"$T/more/data/big")
later
more
4644 12:34 300000 981173106"
	expect_no_match "$(cat "$T/requests")" whole
	expect_match "$(cat "$T/requests")" 'bytes='
	expect_nothing_left
	expect_eq "$(other images -q)" ""
	stop_registry
}

test_estargz_runs_before_it_has_come() {
	runs_on_parts estargz
}

test_estargz_in_chunks_runs_before_it_has_come() {
	runs_on_parts estargz split=70000
}

test_zstd_chunked_runs_before_it_has_come() {
	runs_on_parts chunked split=70000
}

test_what_was_not_opened_was_not_fetched() {
	start_lazy estargz
	expect_ok run_lazily cat /data/later
	expect_eq "$out" later
	# Its table and a few files, which are not 200 KB with the program; the large one alone is 300 KB.
	parts=$(sed -n 's/.*bytes=//p' "$T/requests" | awk -F- '{ sum += $2 - $1 + 1 } END { print sum }')
	size=$(find "$T/layout/blobs" -type f -size +200k -printf '%s\n' | sort -n | tail -1)
	[ "$((size - parts))" -gt 300000 ] || fail "$parts of $size bytes were fetched"
	stop_registry
}

test_the_whole_image_comes_meanwhile() {
	start_lazy estargz
	mkfifo "$T/in"
	run_lazily sh -c 'echo begun; read -r line; cat /data/later' <"$T/in" >"$T/out" &
	exec 7>"$T/in"
	wait_for 20 grep -q begun "$T/out"
	touch "$T/requests.go"
	wait_for 20 grep -q whole "$T/requests"
	wait_for 20 sh -c "'$CLOCHE' --root '$T/other' --runroot '$T/other-run' images -q | grep -q ."
	# From here on everything is here.
	stop_registry
	echo go >&7
	exec 7>&-
	wait $!
	expect_eq "$(cat "$T/out")" "begun
later"
	expect_ok other run --rm --network none "$image" cat /data/later
	expect_eq "$out" later
	expect_nothing_left
}

# A program that has begun and reads what has not come once descriptor 7 is written to or closed; $!, and $status for its wait.
begin_and_wait() {
	mkfifo "$T/in"
	status=0
	run_lazily sh -c 'echo begun; read -r line; cat /data/later; echo after' <"$T/in" >"$T/out" 2>"$T/err" &
	exec 7>"$T/in"
	wait_for 20 grep -q begun "$T/out"
}

test_a_registry_that_dies_ends_the_container() {
	start_lazy estargz
	begin_and_wait
	stop_registry
	echo go >&7
	exec 7>&-
	wait $! || status=$?
	expect_eq "$status" 125
	expect_eq "$(cat "$T/out")" begun
	expect_match "$(cat "$T/err")" "data/later': connect to $host: Connection refused"
	expect_nothing_left
}

test_content_that_is_not_the_tables_is_never_read() {
	start_lazy estargz split=70000 chunk=data/big
	expect_fail 125 run_lazily sh -c 'echo begun; cat /data/big; echo after'
	expect_eq "$out" begun
	expect_match "$err" "'data/big': its content is not what the image's table of contents says"
	expect_nothing_left
	stop_registry
}

test_a_table_that_the_manifest_does_not_name() {
	start_lazy estargz toc
	touch "$T/requests.go"
	expect_ok run_lazily cat /data/later
	expect_match "$err" 'not lazily: layer 1 of 1: the table of contents is not the one that the manifest names'
	expect_eq "$out" later
	expect_match "$(cat "$T/requests")" whole
	stop_registry
}

test_what_cannot_be_lazy_is_pulled() {
	start_lazy estargz
	touch "$T/requests.go"
	expect_ok other run --lazy --network none "$image" cat /data/later
	expect_match "$err" '--lazy does nothing without --rm'
	# It is here now: there is nothing to say.
	expect_ok run_lazily cat /data/later
	expect_eq "$out$err" later
	stop_registry
}

# Whoever of us is killed: the container ends or goes on right, and nobody reads what has not come.
test_killed_helpers_end_it() {
	start_lazy estargz
	begin_and_wait
	# shellcheck disable=SC2046
	for child in $(pgrep -P "$(pgrep -P $!)"); do
		kill -9 $(pgrep -P "$child" -f cloche-layer) 2>/dev/null && break
	done
	wait $! || status=$?
	exec 7>&-
	expect_eq "$status" 125
	expect_eq "$(cat "$T/out")" begun
	expect_match "$(cat "$T/err")" 'helper was killed'
	other images >/dev/null
	expect_nothing_left
	stop_registry
}
