# Being with a container: terminals, detach keys, several at once, slow ones.

on_terminal() {
	timeout 50 python3 "$SRC/tests/lib/on_terminal.py" "$@"
}

test_terminal_detach_and_attach_again() {
	use_busybox
	expect_ok on_terminal 24 80 'expect:# ' 'type:stty size\n' 'expect:24 80' 'type:\x10\x11' -- \
		cloche run -it --name box --network none busybox sh
	expect_no_match "$out" "mode changed"
	expect_ok cloche ps --format '{{.Names}} {{.State}}'
	expect_eq "$out" "box running"
	expect_fail 5 on_terminal 30 90 'expect:# ' 'type:stty size\n' 'expect:30 90' 'size:20x60' 'type:stty size\n' \
		'expect:20 60' 'type:exit 5\n' -- cloche attach box
	expect_ok cloche ps -a --format '{{.Status}}'
	expect_match "$out" "Exited \(5\)"
}

test_other_detach_keys() {
	use_busybox
	expect_ok on_terminal 24 80 'expect:# ' 'type:echo a\x10b\n' 'expect:b' 'type:xy' -- \
		cloche run --rm -it --detach-keys x,y --name box --network none busybox sh
	expect_ok cloche rm -f box
	expect_fail 125 cloche run -t --detach-keys ctrl-1 busybox true
}

test_hangup_of_the_terminal_leaves_it_running() {
	use_busybox
	expect_ok on_terminal 24 80 'expect:# ' 'signal:SIGHUP' -- cloche run -it --name box --network none busybox sh
	expect_ok cloche ps --format '{{.Names}}'
	expect_eq "$out" box
	expect_ok cloche rm -f box
}

test_input_and_output_of_a_pipe() {
	use_busybox
	seq 1 100000 >numbers
	cloche run -i --name box --network none busybox cat <numbers >got
	cmp numbers got
	cloche logs box >logged
	cmp numbers logged
}

test_several_at_once_see_the_same() {
	use_busybox
	expect_ok cloche run -d -i --name box --network none busybox sh -c 'read x; seq 1 20000; exit 3'
	cloche attach --no-stdin box >one &
	local one=$! status=0
	cloche attach --no-stdin box >two &
	local two=$!
	# Both are there once the monitor has their sockets.
	local monitor
	monitor=$(pgrep -f "cloche-monitor id=$(cloche ps -q --no-trunc)")
	wait_for 10 sh -c "[ \$(ls -l /proc/$monitor/fd | grep -c socket) -ge 3 ]"
	echo go | cloche attach box >/dev/null || :
	wait "$one" || status=$?
	expect_eq "$status" 3
	wait "$two" || :
	seq 1 20000 >wanted
	cmp wanted one
	cmp wanted two
}

# What one types waits until the program has read what another has typed, and nothing of it is lost.
test_several_type_at_once() {
	use_busybox
	expect_ok cloche run -d -i --name box --network none busybox sh -c 'head -c 300000 | wc -c'
	local i
	for i in 1 2 3; do
		head -c 100000 /dev/zero | timeout 60 cloche attach box >"typed.$i" &
	done
	expect_ok cloche wait box
	wait
	expect_ok cloche logs box
	expect_eq "$out" 300000
}

test_signals_go_through() {
	use_busybox
	start cloche run --name box --network none busybox sh -c 'trap "echo got; exit 4" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for 10 grep -q ready "$T/start.out"
	local p=$pid
	[ "$(cat "/proc/$p/comm")" = cloche ] || p=$(pgrep -P "$p" cloche | head -1)
	kill -TERM "$p"
	finish
	expect_eq "$status" 4
	expect_match "$(cat "$T/start.out")" got
}

test_attach_to_one_without_monitor_says_what_would_help() {
	use_busybox
	start cloche run --rm --name box --network none busybox sh -c 'echo ready; sleep 1000'
	wait_for 10 grep -q ready "$T/start.out"
	expect_fail 125 cloche attach box
	expect_match "$err" "foreground"
	expect_fail 125 cloche logs box
	expect_match "$err" "nothing is kept"
	expect_ok cloche rm -f box
	finish
}
