# How a run ends: signals, terminals, kill -9 of any of our processes, many at once.

# The pid of the container's pid 1.
init_of() {
	cut -d' ' -f1 "$T/runroot/containers/"*
}

begin() {
	use_busybox
	start cloche run "$@" --network none busybox sh -c 'trap "echo got TERM; exit 5" TERM; trap "echo got USR1" USR1; echo ready; while :; do sleep 0.05; done'
	wait_for 10 grep -q ready "$T/start.out"
}

# `start` runs the wrapper that adds --root; the program itself is what holds the container.
command_of() {
	local p=$pid
	[ "$(cat "/proc/$p/comm")" = cloche ] || p=$(pgrep -P "$p" cloche | head -1)
	echo "$p"
}

test_signals_are_passed_on() {
	begin --rm
	kill -USR1 "$(command_of)"
	wait_for 5 grep -q 'got USR1' "$T/start.out"
	kill -TERM "$(command_of)"
	finish
	expect_eq "$status" 5
	expect_match "$(cat "$T/start.out")" "got TERM"
}

test_kill_of_the_command_ends_a_container_without_monitor() {
	begin --rm --name web
	local init
	init=$(init_of)
	kill -KILL "$(command_of)"
	finish
	wait_for 5 sh -c "! kill -0 $init"
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	expect_eq "$(ls "$T/runroot/containers")" ""
}

test_kill_of_the_command_leaves_one_with_a_monitor() {
	begin --name web
	kill -KILL "$(command_of)"
	finish
	expect_eq "$status" 137
	expect_ok cloche ps --format '{{.Names}} {{.State}}'
	expect_eq "$out" "web running"
	expect_ok cloche rm -f web
	expect_eq "$(ls "$T/runroot/containers")" ""
}

test_kill_of_the_command_with_rm_is_cleaned_up_later() {
	begin --rm --name web
	kill -KILL "$(command_of)"
	finish
	expect_ok cloche run --rm --network none --name web busybox true
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	wait_for 5 sh -c "[ -z \"\$(ls '$T/runroot/containers')\" ]"
}

test_kill_of_pid_1_is_the_programs_end() {
	begin --rm
	kill -KILL "$(init_of)"
	finish
	expect_eq "$status" 137
}

test_kill_of_the_supervisor_ends_the_container() {
	[ "$KIND" = nosubids ] || skip "nothing is emulated"
	begin --rm
	pgrep -P "$(command_of)" intercept >supervisor
	kill -KILL "$(head -1 supervisor)"
	finish
	expect_eq "$status" 137
}

test_rm_f_ends_a_running_container() {
	begin --name web
	expect_fail any cloche rm web
	expect_match "$err" "rm -f"
	expect_ok cloche rm -f web
	finish
	expect_eq "$status" 137
	expect_ok cloche ps -aq
	expect_eq "$out" ""
}

test_top_and_namespaces_of_a_running_container() {
	begin --name web
	expect_ok cloche top web
	expect_match "$out" "PID +HOSTPID"
	expect_match "$out" "
 +1 +[0-9]+ .*sh -c"
	expect_ok cloche namespaces web
	expect_match "$out" "network .*its own"
	expect_match "$out" "time .*shared with the host"
	expect_ok cloche ps --format '{{.Names}} {{.State}} {{.Image}}'
	expect_eq "$out" "web running busybox"
	expect_ok cloche rm -f web
	finish
}

test_fifty_at_once() {
	use_busybox
	local i pids=() failed=0
	for ((i = 0; i < 50; i++)); do
		cloche run --rm --network none busybox sh -c 'exit 9' 2>>"$T/errors" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		[ "$status" = 9 ] || failed=$((failed + 1))
	done
	expect_eq "$failed" 0 "$(cat "$T/errors")"
	wait_for 20 sh -c "[ -z \"\$(ls '$T/root/containers' | grep -v by-name)\$(ls '$T/root/trash')\" ]"
}

# --- a terminal, by tmux ---

shows() {
	tmux -S "$T/tmux" capture-pane -p -t t | grep -qE "$1"
}

test_terminal_resizes_and_gives_back() {
	need tmux
	use_busybox
	export LC_ALL=C.UTF-8
	tmux -S "$T/tmux" -f /dev/null new-session -d -s t -x 80 -y 20 "PS1='outside> ' sh"
	wait_for 5 shows 'outside>'
	tmux -S "$T/tmux" send-keys -t t "cloche run --rm -it --network none -e PS1='inside> ' busybox sh" Enter
	wait_for 10 shows 'inside>'
	tmux -S "$T/tmux" send-keys -t t 'tty; stty size; echo TERM=$TERM' Enter
	wait_for 5 shows '/dev/(pts/0|console)'
	wait_for 5 shows '^20 80'
	wait_for 5 shows 'TERM=xterm'
	tmux -S "$T/tmux" resize-window -t t -x 70 -y 15
	tmux -S "$T/tmux" send-keys -t t 'clear; stty size' Enter
	wait_for 5 shows '^15 70'
	tmux -S "$T/tmux" send-keys -t t 'cat -n' Enter
	tmux -S "$T/tmux" send-keys -t t 'line' Enter
	wait_for 5 shows ' 1[[:space:]]+line'
	tmux -S "$T/tmux" send-keys -t t C-c
	# What is typed before the signal has been dealt with is flushed with it.
	wait_for 5 shows '^inside>$'
	tmux -S "$T/tmux" send-keys -t t 'echo still here' Enter
	wait_for 5 shows '^still here'
	tmux -S "$T/tmux" send-keys -t t 'exit 3' Enter
	# What is typed before it has ended belongs to it.
	wait_for 10 shows '^outside>$'
	tmux -S "$T/tmux" send-keys -t t 'echo "left with $?"; stty -a | grep -o "[-]*icanon"' Enter
	wait_for 5 shows '^left with 3'
	wait_for 5 shows '^icanon'
	tmux -S "$T/tmux" kill-server
}

# keys KEY... : types into tmux.
keys() {
	tmux -S "$T/tmux" send-keys -t t "$@"
}

# A shell that is attached to shows no prompt until something is typed.
prompts_again() {
	keys Enter
	shows '^inside>$'
}

# A new size arrives when it arrives.
size_is() {
	keys 'stty size' Enter
	shows "^$1"
}

test_terminal_detach_attach_and_an_editor() {
	need tmux
	use_busybox
	export LC_ALL=C.UTF-8
	tmux -S "$T/tmux" -f /dev/null new-session -d -s t -x 80 -y 20 "PS1='outside> ' sh"
	wait_for 10 shows '^outside>$'
	keys "cloche run -it --name box --network none -e PS1='inside> ' busybox sh" Enter
	wait_for 20 shows '^inside>$'
	keys C-p C-q
	wait_for 20 shows 'outside>$'
	tmux -S "$T/tmux" resize-window -t t -x 66 -y 18
	keys 'clear; cloche attach box' Enter
	wait_for 20 prompts_again
	wait_for 20 size_is '18 66'
	tmux -S "$T/tmux" resize-window -t t -x 71 -y 16
	wait_for 20 size_is '16 71'
	keys C-p C-q
	wait_for 20 shows 'outside>$'
	keys 'clear; cloche exec -it box vi /root/note' Enter
	wait_for 20 shows '^~'
	keys 'ihello from vi'
	wait_for 20 shows '^hello from vi'
	keys Escape
	# What follows an escape too soon would be part of its sequence.
	wait_for 20 shows '^- /root/note'
	keys ':wq' Enter
	wait_for 20 shows 'outside>$'
	expect_eq "$(cloche exec box cat /root/note)" "hello from vi"
	keys 'clear; cloche attach box; echo "left with $?"' Enter
	wait_for 20 prompts_again
	keys 'exit 3' Enter
	wait_for 20 shows '^left with 3'
	tmux -S "$T/tmux" kill-server
}

test_killed_at_any_moment() {
	use_busybox
	local i
	for i in 001 002 003 004 005 006 007 008 010 012 015 020 025 030 040 050; do
		timeout --foreground -s KILL "0.$i" cloche run --rm --network none --name web busybox sh -c 'echo >/x; sleep 5' || :
		timeout --foreground -s KILL "0.$i" cloche run --network none --name "kept$i" busybox true || :
	done
	expect_ok cloche run --rm --network none --name web busybox true
	expect_ok cloche ps -a
	expect_no_match "$out" "(Up|Created)"
	expect_no_match "$out" " web"
	cloche ps -aq | while read -r i; do cloche rm "$i" >/dev/null; done
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	expect_eq "$(ls "$T/root/containers" "$T/root/containers/by-name")" "$T/root/containers:
by-name

$T/root/containers/by-name:"
	wait_for 10 sh -c "[ -z \"\$(ls '$T/root/trash')\" ]"
	expect_eq "$(ls "$T/runroot/containers" "$T/runroot/files")" "$T/runroot/containers:

$T/runroot/files:"
}
