# What a container changed: diff, commit, export.

make_changes() {
	use_busybox
	expect_ok cloche run --network none --name cc "$@" busybox sh -c '
		echo new >/made; mkdir /dir; echo x >/dir/file; rm -r /root; echo more >>/etc/passwd; chown 12:34 /made; chmod 600 /dir/file'
}

test_diff_of_a_container() {
	make_changes
	expect_ok cloche diff cc
	expect_eq "$out" "A /dir
A /dir/file
C /etc
C /etc/passwd
A /made
D /root"
	expect_fail 125 cloche diff nosuch
	expect_match "$err" "neither a container nor an image"
}

test_a_start_alone_changes_nothing() {
	use_busybox
	expect_ok cloche run --network none --name cc busybox true
	expect_ok cloche diff cc
	expect_eq "$out" ""
}

test_commit_keeps_changes_and_configuration() {
	make_changes -e KEEP=1 -w /tmp -l who=me
	expect_ok cloche commit -a me -m why -c 'CMD ["cat", "/made"]' -c 'ENV MORE=2' cc committed:1
	expect_match "$out" '^sha256:[0-9a-f]{64}$'
	expect_ok cloche run --rm --network none committed:1
	expect_eq "$out" new
	expect_ok cloche run --rm --network none committed:1 sh -c 'echo $KEEP $MORE $PWD'
	expect_match "$out" "1 2 /tmp"
}

# It stands still meanwhile, and goes on afterwards, also if the command is killed.
test_commit_pauses_what_runs() {
	use_busybox
	cloche run -d --name busy --network none busybox sleep 1000 >/dev/null
	expect_ok cloche commit busy made
	expect_eq "$err" ""
	expect_eq "$(cloche inspect -f '{{.State.Status}}' busy)" running
	expect_ok cloche events --since 1h --until 0s --filter container=busy --format '{{.Action}}'
	expect_match "$out" $'pause\nunpause'
	expect_ok cloche commit --pause=false busy made
	expect_match "$err" "runs and was not paused"
	expect_ok cloche events --since 1h --until 0s --filter event=pause
	expect_eq "$(wc -l <<<"$out")" 1
	cloche pause busy >/dev/null
	expect_ok cloche commit -p busy made
	expect_eq "$(cloche inspect -f '{{.State.Status}}' busy)" paused "what was paused before stays so"
	cloche unpause busy >/dev/null
	expect_fail 125 cloche commit --pause=maybe busy made
	cloche rm -f busy >/dev/null
}

busy_runs() {
	wait_for 10 eval '[ "$(cloche inspect -f "{{.State.Status}}" busy)" = running ]'
}

test_commit_killed_leaves_it_running() {
	need_strace
	use_busybox
	cloche run -d --name busy --network none busybox sleep 1000 >/dev/null
	AFTER_KILL=busy_runs kill_at_each renameat,renameat2 cloche commit busy made
	cloche rm -f busy >/dev/null
}

test_commit_keeps_owners_and_deletions() {
	make_changes
	expect_ok cloche commit cc committed
	expect_ok cloche run --rm --network none committed sh -c 'stat -c %u:%g /made; stat -c %a /dir/file; tail -1 /etc/passwd; ls -d /root || echo gone'
	expect_eq "$out" "12:34
600
more
gone"
	expect_ok cloche diff committed
	expect_match "$out" "layer 2 of 2"
	expect_match "$out" "D /root"
	expect_ok cloche history committed
}

test_export_of_a_container() {
	make_changes
	cloche export cc >c.tar
	expect_ok tar -tvf c.tar
	expect_match "$out" "12/34 .* made"
	expect_no_match "$out" " root/"
}


test_inspect_of_a_container() {
	make_changes -v "$T:/here:ro"
	expect_ok cloche inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.Config.Image}} {{(index .Mounts 0).Destination}}' cc
	expect_eq "$out" "/cc exited 0 busybox /here"
	expect_ok cloche inspect --mounts cc
	expect_match "$out" "^/ +overlay"
	expect_match "$out" "upper +what the container writes: .*/upper"
	expect_match "$out" "  here +bind +ro +$T"
	expect_match "$out" "
    shm +tmpfs"
}
