# What goes wrong on a machine: kill -9 at any system call, a full disk, a full inode table, a store that can't be read,
# commands that race. The store stays valid, names are old or new, the next command cleans up and isn't blocked.
# users: root nosubids subids
# timeout: 240
# alone: yes

# The store answers, every name in it leads to an image that is all there, and nothing half done is left.
expect_valid_store() {
	local name
	expect_ok cloche images -q
	for name in $out; do
		expect_ok cloche inspect "$name"
		expect_ok cloche save -o "$T/check.tar" "$name"
	done
	rm -f "$T/check.tar"
	# What is in trash/ is deleted in the background.
	wait_for 20 nothing_left
}

nothing_left() {
	[ -z "$(find "$T/root/tmp" "$T/root/trash" -mindepth 1 -maxdepth 1 2>/dev/null)" ]
}

test_import_killed_at_each_rename_and_sync() {
	need_strace
	use_busybox other
	kill_at_each renameat,renameat2,rename,linkat,fsync,fdatasync,syncfs cloche import "$FIXTURES/busybox.tar" busybox
	expect_valid_store
	expect_ok cloche run --rm busybox true
}

test_import_killed_at_each_open_and_mkdir() {
	need_strace
	use_busybox other
	kill_at_each openat,mkdirat,unlinkat cloche import "$FIXTURES/busybox.tar" busybox
	expect_valid_store
}

test_load_killed() {
	need_strace
	use_busybox
	cloche save -o "$T/image.tar" busybox
	cloche rmi busybox >/dev/null
	kill_at_each renameat,renameat2,rename,linkat,fsync,syncfs,mkdirat cloche load -i "$T/image.tar"
	expect_valid_store
	expect_ok cloche run --rm busybox true
}

test_run_killed_leaves_no_process_and_no_mount() {
	need_strace
	use_busybox
	kill_at_each clone3,clone,mkdirat,renameat,renameat2,pidfd_open,sendmsg,waitid \
		cloche run --rm --network none busybox true
	expect_ok cloche ps -a --format '{{.ID}}'
	expect_ok cloche run --rm --network none busybox true
	expect_valid_store
}

nothing_is_up() {
	[[ "$(cloche ps -a --format '{{.Status}}')" != *Up* ]]
}

test_killed_run_takes_its_container_with_it() {
	use_busybox
	mkfifo "$T/ready"
	start cloche run --rm --network none -v "$T:/t" busybox sh -c 'echo up >/t/ready; exec sleep 1000'
	read -r -t 20 line <"$T/ready"
	expect_eq "$line" up
	kill -KILL "$pid"
	finish
	# The runner looks for processes that are left.
	expect_ok cloche run --rm --network none busybox true
	wait_for 10 nothing_is_up
}

make_context() {
	mkdir -p "$T/context"
	printf 'FROM busybox\nRUN echo one >/one\nCOPY data /data\nRUN echo two >/two\n' >"$T/context/Dockerfile"
	echo data >"$T/context/data"
}

test_build_killed() {
	need_strace
	use_busybox
	make_context
	kill_at_each renameat,renameat2,rename,linkat,syncfs,clone3,mkdirat cloche build -q -t built "$T/context"
	expect_valid_store
	expect_ok cloche run --rm built cat /one /data /two
	expect_eq "$out" $'one\ndata\ntwo'
}

test_a_full_disk() {
	[ "$KIND" != subids ] || skip "a small file system can't be mounted for the whole range of ids"
	use_busybox
	cloche save -o "$T/image.tar" busybox
	cat >"$T/inside.sh" <<-'END'
		set -eu
		c() { "$CLOCHE" --root "$T/small/root" --runroot "$T/small/run" "$@"; }
		status=0
		c load -i "$T/image.tar" 2>"$T/said" || status=$?
		[ "$status" = 125 ] || { echo "status $status"; cat "$T/said"; exit 1; }
		grep -q "No space left on device" "$T/said" || { cat "$T/said"; exit 1; }
		[ -z "$(c images -q)" ]
		left=$(find "$T/small/root/tmp" "$T/small/root/trash" "$T/small/root/layers" -mindepth 1 2>/dev/null | head -3)
		[ -z "$left" ] || { echo "left: $left"; exit 1; }
	END
	expect_ok on_small_fs 1m 0 sh "$T/inside.sh"
	# Not enough inodes for the tree; enough for the store itself.
	expect_ok on_small_fs 64m 60 sh "$T/inside.sh"
}

test_a_disk_that_fills_up_in_a_commit() {
	[ "$KIND" != subids ] || skip "a small file system can't be mounted for the whole range of ids"
	use_busybox
	cloche save -o "$T/image.tar" busybox
	mkdir "$T/context"
	printf 'FROM busybox\nRUN head -c 9000000 /dev/urandom >/random\n' >"$T/context/Dockerfile"
	cat >"$T/inside.sh" <<-'END'
		set -eu
		c() { "$CLOCHE" --root "$T/small/root" --runroot "$T/small/run" "$@"; }
		c load -q -i "$T/image.tar" >/dev/null
		status=0
		c build -q -t big "$T/context" >"$T/said" 2>&1 || status=$?
		[ "$status" != 0 ] || { echo "it succeeded"; exit 1; }
		grep -qi "no space left" "$T/said" || { cat "$T/said"; exit 1; }
		[ "$(c images --format '{{.Repository}}')" = busybox ]
		c run --rm --network none busybox true
	END
	expect_ok on_small_fs 16m 0 sh "$T/inside.sh"
}

test_a_store_that_cannot_be_read() {
	use_busybox
	if [ "$KIND" != root ]; then
		chmod 000 "$T/root"
		expect_fail 125 cloche images
		expect_match "$err" "Permission denied"
		chmod 700 "$T/root"
		chmod 000 "$T/root/refs"
		expect_fail 125 cloche run --rm busybox true
		chmod 755 "$T/root/refs"
	fi
	expect_ok cloche run --rm --network none busybox true
	expect_fail 125 "$CLOCHE" --root "$T/.out" --runroot "$T/runroot" images
	expect_match "$err" "Not a directory"
	expect_fail 125 "$CLOCHE" --root /proc/no/such --runroot "$T/runroot" images
}

# What a file system may leave behind when the power goes: files that are empty.
test_a_store_with_empty_files_says_so() {
	local blob
	use_busybox
	blob=$(find "$T/root/blobs" -type f -size -8k | head -1)
	cp "$blob" "$T/kept"
	chmod u+w "$blob"
	: >"$blob"
	expect_fail 125 cloche run --rm busybox true
	expect_match "$err" "busybox"
	cp "$T/kept" "$blob"
	: >"$T/root/index.json"
	expect_ok cloche run --rm --network none busybox true
	cloche tag busybox again
	expect_match "$(cat "$T/root/index.json")" schemaVersion
}

test_names_are_on_disk_before_they_count() {
	need_strace
	strace -f -qq -o "$T/trace" -e trace=fsync,fdatasync,syncfs,renameat,renameat2,rename,linkat \
		cloche import "$FIXTURES/busybox.tar" busybox
	# The rename that makes the name comes after a sync.
	expect_match "$(tr '\n' ' ' <"$T/trace")" '(fsync|syncfs|fdatasync)\(.*rename[a-z0-9]*\([^)]*latest'
}

test_fifty_runs_at_once() {
	use_busybox
	local i pids=() bad=0
	for i in {1..50}; do
		cloche run --rm --network none busybox sh -c "echo $i" >"$T/o$i" 2>"$T/e$i" &
		pids+=($!)
	done
	for i in {1..50}; do
		wait "${pids[i - 1]}" || { bad=$((bad + 1)); cat "$T/e$i"; }
		[ "$(cat "$T/o$i")" = "$i" ] || { bad=$((bad + 1)); echo "$i gave '$(cat "$T/o$i")'"; }
	done
	expect_eq "$bad" 0
	expect_eq "$(cloche ps -a -q)" ""
	expect_valid_store
}

test_builds_and_runs_at_once() {
	use_busybox
	local i pids=() bad=0
	for i in {1..10}; do
		mkdir "$T/c$i"
		printf 'FROM busybox\nRUN echo same >/same\nRUN echo %s >/own\n' "$i" >"$T/c$i/Dockerfile"
		cloche build -q -t "built$i" "$T/c$i" >"$T/b$i" 2>&1 &
		pids+=($!)
		cloche run --rm --network none busybox true >"$T/r$i" 2>&1 &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || bad=$((bad + 1))
	done
	[ "$bad" = 0 ] || { cat "$T"/b* "$T"/r*; fail "$bad of ${#pids[@]} failed"; }
	for i in {1..10}; do
		expect_ok cloche run --rm --network none "built$i" cat /same /own
		expect_eq "$out" "same
$i"
	done
	expect_valid_store
}

test_an_image_is_removed_while_it_runs() {
	use_busybox
	mkfifo "$T/ready"
	start cloche run --rm --network none -v "$T:/t" busybox sh -c 'echo up >/t/ready; cat /t/go; cat /etc/os-release'
	mkfifo "$T/go"
	read -r -t 20 line <"$T/ready"
	capture cloche rmi busybox
	expect_match "$status" '^(0|125|1)$'
	cloche import "$FIXTURES/busybox.tar" busybox >/dev/null
	echo >"$T/go"
	finish
	expect_eq "$status" 0
	expect_match "$(cat "$T/start.out")" ID=busybox
	expect_valid_store
}

test_two_imports_of_one_name() {
	local i pids=()
	for i in {1..8}; do
		cloche import "$FIXTURES/busybox.tar" busybox >/dev/null 2>"$T/e$i" &
		pids+=($!)
	done
	for i in {1..8}; do
		wait "${pids[i - 1]}" || { cat "$T/e$i"; fail "import $i failed"; }
	done
	expect_valid_store
	expect_eq "$(cloche images --format '{{.Repository}}' | grep -v none)" busybox
}

# The process that fails may end before it has read what it was told meanwhile; its last word must not get lost.
test_a_start_that_fails_always_says_why() {
	use_busybox
	local i
	for i in {1..40}; do
		expect_fail 126 cloche run --rm --network none -w /bin/busybox busybox true
		expect_match "$err" "working folder.*Not a directory|'/bin/busybox'.*(folder|directory)"
	done
}
