# What happens to a container's life: its monitor killed at any system call, a full disk, clients that are slow or dead, helpers
# killed, the runtime folder lost, a start that fails. The next command tells the truth and cleans up.
# timeout: 240
# alone: yes
# once: test_a_client_that_stopped_is_left_behind

is_state() {
	[ "$(cloche ps -a --filter "name=^$1$" --format '{{.State}}')" = "$2" ]
}

monitor_of() {
	pgrep -f "cloche-monitor id=$(cloche ps -q --no-trunc --filter "name=^$1$") .*$T/"
}

init_of() {
	cloche inspect -f '{{.State.Pid}}' "$1"
}

nothing_live() {
	[ -z "$(ls "$T/runroot/containers" "$T/runroot/files" 2>/dev/null | grep '^[0-9a-f]\{64\}$')" ]
}

none_alive() {
	[ -z "$(cloche ps -q)" ]
}

is_gone() {
	[ ! -e "/proc/$1/fd/0" ] || [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" = Z ]
}

# --- killed anywhere ---

# All that there is has ended, can be started, ends with what its program says, and goes without a trace.
expect_truth() {
	local id
	wait_for 20 none_alive
	for id in $(cloche ps -aq); do
		expect_fail 3 cloche start -a "$id"
		expect_eq "$out" out
		# With a policy another life may follow.
		wait_for 20 none_alive
		expect_ok cloche rm "$id"
	done
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	wait_for 10 nothing_live
	expect_eq "$(ls "$T/root/containers/by-name" 2>/dev/null)" ""
}

# killed_anywhere CALLS OPTIONS...: a container in the background, and every process of ours around it is killed at its first,
# second … of the named system calls, until there is none left to kill.
killed_anywhere() {
	local calls=$1 n
	shift
	for ((n = 1; n < 2000; n += 1 + n / 3)); do
		{
			strace -f -q -o "$T/.trace" -e trace="$calls" -e inject="$calls":signal=SIGKILL:when="$n" \
				"$CLOCHE" --root "$T/root" --runroot "$T/runroot" run -d --network none "$@" busybox \
				sh -c 'echo out; exit 3' >"$T/.killed.out" 2>&1 </dev/null || :
		} 2>/dev/null
		expect_truth
		grep -q 'killed by SIGKILL' "$T/.trace" || break
	done
	[ "$n" -gt 4 ] || fail "killed at $n calls only: no calls of $calls"
	grep -q 'killed by SIGKILL' "$T/.trace" && fail "still not through after $n kills"
	return 0
}

test_monitor_killed_at_each_change() {
	need_strace
	use_busybox
	killed_anywhere execve,wait4,pwrite64,unlinkat,renameat,renameat2,symlinkat,mkdirat,linkat,clone,clone3,fork,vfork
}

test_monitor_killed_at_each_word() {
	need_strace
	use_busybox
	killed_anywhere poll,read,write,sendmsg,recvmsg,waitid
}

test_monitor_killed_while_it_starts_again() {
	need_strace
	use_busybox
	killed_anywhere execve,wait4,pwrite64,poll,unlinkat,fcntl --restart on-failure:1
}

test_rename_killed() {
	need_strace
	use_busybox
	expect_ok cloche create --name web --network none busybox true
	local from=web to=shop id
	id=$(cloche ps -aq --no-trunc)
	one_name() {
		local names
		expect_ok cloche ps -a --format '{{.Names}}'
		names=$out
		expect_eq "$(ls "$T/root/containers/by-name")" "$names" "names that lead to it"
		expect_eq "$(cloche inspect -f '{{.Id}} {{.Name}}' "$names")" "$id /$names"
		# The next attempt goes the other way, if this one has got through.
		expect_ok cloche rename "$names" keep
		expect_ok cloche rename keep web
	}
	AFTER_KILL=one_name kill_at_each flock,symlinkat,openat,write,renameat,renameat2,unlinkat cloche rename "$from" "$to" || :
	expect_eq "$(ls "$T/root/containers/by-name")" web
}

# --- what it leaves ---

# leaves_something NAME OPTIONS...
leaves_something() {
	local name=$1
	shift
	use_busybox
	expect_ok cloche run -d --network none --name "$name" --pid host "$@" busybox \
		sh -c 'sleep 10001 & sleep 10002 & echo $! >/pid; exec sleep 10003'
	wait_for 10 cloche exec "$name" test -s /pid
	left=$(cloche exec "$name" cat /pid)
	[ -e "/proc/$left" ] || fail "no process $left"
}

test_what_it_left_in_anothers_pid_namespace_ends_with_it() {
	leaves_something web
	expect_ok cloche stop -t 0 web
	wait_for 5 is_gone "$left"
	leaves_something web2 --rm
	kill -KILL "$(init_of web2)"
	wait_for 5 is_gone "$left"
	expect_ok cloche run -d --network none --name first busybox sleep 10004
	expect_ok cloche run -d --network none --name second --pid container:first busybox sh -c 'sleep 10005 & exec sleep 10006'
	expect_ok cloche stop -t 0 second
	expect_ok cloche exec first ps -o args
	expect_no_match "$out" "1000[56]"
	expect_match "$out" "10004"
	expect_ok cloche rm -f first second
}

test_what_it_left_is_ended_also_if_the_monitor_was_killed() {
	leaves_something web
	kill -KILL "$(monitor_of web)"
	expect_ok cloche ps -a --format '{{.State}}'
	expect_eq "$out" exited
	wait_for 5 is_gone "$left"
	expect_ok cloche rm web
}

# --- the log ---

test_a_full_disk_stops_no_container_and_the_loss_is_told() {
	[ "$KIND" != subids ] || skip "a small file system can't be mounted for the whole range of ids"
	use_busybox
	cloche save -o "$T/image.tar" busybox
	cat >"$T/inside.sh" <<-'END'
		set -eu
		c() { "$CLOCHE" --root "$T/small/root" --runroot "$T/run" "$@"; }
		c load -q -i "$T/image.tar" >/dev/null
		mkfifo "$T/go"
		c run -d --name web --network none -v "$T:/t" busybox sh -c '
			echo before; read x </t/go; yes "one of many lines that fill the disk" | head -n 100000; echo $? >/t/wrote; read x </t/go; echo after; exit 4' >/dev/null
		head -c 100m /dev/zero >"$T/small/filler" 2>/dev/null || :
		echo >"$T/go"
		while [ ! -s "$T/wrote" ]; do sleep 0.05; done
		[ "$(cat "$T/wrote")" = 0 ]
		rm "$T/small/filler"
		echo >"$T/go"
		status=$(c wait web)
		[ "$status" = 4 ] || { echo "status $status"; exit 1; }
		c logs web >"$T/out" 2>"$T/err"
		head -1 "$T/out" | grep -qx before
		tail -1 "$T/out" | grep -qx after
		grep -q 'cloche: [0-9]* lines are missing here, they could not be written: No space left on device' "$T/err"
		[ "$(c ps -a --format '{{.Status}}' | cut -c1-10)" = "Exited (4)" ]
		c rm web >/dev/null
	END
	expect_ok on_small_fs 16m 0 sh -x "$T/inside.sh"
}

# --- clients ---

writes_much() {
	use_busybox
	expect_ok cloche run -d -i --name web --network none -v "$T:/t" busybox \
		sh -c 'read x; seq 1 100000; echo done >/t/done; exec sleep 1000'
}

# attach, in the background, until its monitor has it as a client.
attach_one() {
	local before
	before=$(ls -l "/proc/$(monitor_of web)/fd" | grep -c socket)
	"$CLOCHE" --root "$T/root" --runroot "$T/runroot" "$@" >"$T/client.out" 2>&1 &
	client=$!
	has_one_more() { [ "$(ls -l "/proc/$(monitor_of web)/fd" | grep -c socket)" -gt "$before" ]; }
	wait_for 10 has_one_more
}

test_a_dead_client_blocks_nothing() {
	writes_much
	mkfifo pipe
	attach_one attach --no-stdin web
	kill -KILL "$client"
	wait "$client" 2>/dev/null || :
	echo | cloche attach web | head -1 >/dev/null || :
	wait_for 20 test -s done
	expect_ok cloche rm -f web
}

# It is waited for as protocol.h says, then told what it misses; logs -f reads the file, and nobody waits for it.
test_a_client_that_stopped_is_left_behind() {
	writes_much
	"$CLOCHE" --root "$T/root" --runroot "$T/runroot" logs -f web >"$T/follow.out" 2>&1 &
	local follower=$!
	attach_one attach --no-stdin web
	kill -STOP "$follower" "$client"
	start sh -c 'echo | cloche attach web >/dev/null'
	wait_for 40 test -s done
	kill -CONT "$follower" "$client"
	expect_ok cloche stop -t 0 web
	wait "$client" 2>/dev/null || :
	wait "$follower" 2>/dev/null || :
	expect_match "$(grep -v '^[0-9]*$' "$T/client.out")" "[0-9]+ bytes of output are not shown"
	expect_eq "$(tail -1 "$T/follow.out")" 100000
}

# --- helpers, and the folder of live state ---

helper_of() {
	local monitor guard
	monitor=$(monitor_of "$1")
	guard=$(tr '\0' '\n' <"/proc/$monitor/cmdline" | sed -n 's/^guard1=//p')
	sed -n 's/^Pid:[[:space:]]*//p' "/proc/$monitor/fdinfo/$guard"
}

test_the_networks_helper_killed() {
	use_busybox
	expect_ok cloche run -d --name web -p 0:80 busybox sleep 1000
	kill -KILL "$(helper_of web)"
	lost() { cloche ps --format '{{.Status}}' | grep -q 'network lost'; }
	wait_for 10 lost
	expect_ok cloche exec web true
	expect_ok cloche restart -t 0 web
	expect_ok cloche ps --format '{{.Status}} {{.Ports}}'
	expect_match "$out" '^Up .*->80/tcp'
	expect_no_match "$out" lost
	expect_ok cloche rm -f web
}

# One that is to be started again is: that gives it a network.
test_the_networks_helper_killed_with_a_policy() {
	use_busybox
	expect_ok cloche run -d --name web --restart always -p 0:80 busybox sleep 1000
	local init
	init=$(init_of web)
	kill -KILL "$(helper_of web)"
	has_new_init() { [ "$(init_of web)" != "$init" ] && is_state web running; }
	wait_for 20 has_new_init
	expect_ok cloche ps --format '{{.Status}} {{.Ports}}'
	expect_match "$out" '^Up .*->80/tcp'
	expect_ok cloche rm -f web
}

# As after a restart of the machine, or a logout that empties /run/user.
test_live_state_is_lost() {
	use_busybox
	local name monitors
	expect_ok cloche run -d --name always --network none --restart always busybox sleep 1000
	expect_ok cloche run -d --name unless --network none --restart unless-stopped busybox sleep 1000
	expect_ok cloche run -d --name asked --network none --restart unless-stopped busybox sleep 1000
	expect_ok cloche stop -t 0 asked
	expect_ok cloche run -d --name once --network none busybox sleep 1000
	expect_ok cloche run -d --name brief --rm --network none busybox sleep 1000
	monitors=$(for name in always unless once brief; do monitor_of "$name"; done)
	kill -KILL $monitors
	rm -rf --one-file-system "$T/runroot"
	expect_ok cloche ps -a --format '{{.Names}} {{.State}}'
	expect_eq "$(echo "$out" | sort)" $'always exited\nasked exited\nonce exited\nunless exited'
	expect_ok cloche start --all --filter should-start-on-boot=true
	expect_ok cloche ps --format '{{.Names}}'
	expect_eq "$(echo "$out" | sort)" $'always\nunless'
	expect_ok cloche start --all
	expect_ok cloche ps -q
	expect_eq "$(echo "$out" | wc -l)" 4
	expect_ok cloche rm -f always unless asked once
	nothing_live || fail "left: $(ls -R "$T/runroot")"
}

# --- starts that fail ---

# What can't be started again is tried again, as what ends at once is, and says why.
test_a_start_by_policy_that_fails_is_tried_again() {
	use_busybox
	mkdir data
	expect_ok cloche run -d --name web --network none --restart always -v "$T/data:/data" busybox \
		sh -c 'test ! -e /data/stop && exec sleep 1000'
	mv data away
	kill -KILL "$(init_of web)"
	wait_for 20 is_state web restarting
	says_why() { cloche logs web 2>&1 | grep -q 'could not be started again: .*/data'; }
	wait_for 20 says_why
	mv away data
	wait_for 40 is_state web running
	expect_ok cloche stop -t 0 web
	is_state web exited || fail "$(cloche ps -a)"
	expect_ok cloche rm web
	nothing_live || fail "left: $(ls -R "$T/runroot")"
}

test_a_start_by_policy_that_fails_is_counted() {
	use_busybox
	mkdir data
	expect_ok cloche run -d --name web --network none --restart on-failure:2 -v "$T/data:/data" busybox sleep 1000
	mv data away
	kill -KILL "$(init_of web)"
	wait_for 30 is_state web exited
	expect_ok cloche inspect -f '{{.State.ExitCode}} {{.RestartCount}} {{.State.Error}}' web
	expect_match "$out" "^12[567] 2 .*/data"
	# While it waits it can be stopped.
	mv away data
	expect_ok cloche start web
	expect_ok cloche stop -t 0 web
	expect_ok cloche rm web
}
