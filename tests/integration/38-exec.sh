# `cloche exec`: a further program in a container that runs, as its first one is; and whose it is when we end.
# fixtures: debian
# timeout: 120

# box [OPTION...]: the container "box" runs.
box() {
	use_busybox
	start cloche run --rm --network none --name box "$@" busybox sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
	box=$pid
	wait_for 10 is_running box
}

is_running() {
	[ -n "$(cloche ps -q --filter "name=$1" --filter status=running)" ]
}

test_exit_codes_are_the_commands_and_dockers() {
	box
	expect_fail 7 cloche exec box sh -c 'exit 7'
	expect_eq "$out$err" ""
	expect_fail 127 cloche exec box nosuch
	expect_match "$err" "'nosuch': executable file not found"
	expect_fail 126 cloche exec box /etc
	expect_fail 127 cloche exec -w /nosuch box true
	expect_match "$err" "working folder '/nosuch'"
	expect_fail 126 cloche exec -u nosuch box true
	expect_fail 125 cloche exec nosuch true
	expect_fail 125 cloche exec --nosuch box true
	expect_fail 125 cloche exec -w relative box true
	expect_fail 143 cloche exec box sh -c 'kill -TERM $$'
	cloche run --network none --name ended busybox true
	expect_fail 125 cloche exec ended true
	expect_match "$err" "'ended' is not running"
	cloche rm ended
}

test_environment_folder_and_user() {
	box -e FROM_RUN=1 -w /tmp
	expect_ok env OUTER=yes cloche exec -e A=1 -e OUTER -e UNSET_OUTSIDE box env
	expect_match "$out" 'FROM_RUN=1'
	expect_match "$out" '(^|
)A=1'
	expect_match "$out" 'OUTER=yes'
	expect_match "$out" 'HOME=/root'
	expect_no_match "$out" 'UNSET_OUTSIDE|TERM='
	printf '# comment\nB=two words\n' >env
	expect_ok cloche exec --env-file env box sh -c 'echo "$B"; pwd'
	expect_eq "$out" "two words
/tmp"
	expect_ok cloche exec -w /etc box pwd
	expect_eq "$out" /etc
	expect_ok cloche exec -u 12:34 box sh -c 'id; echo "$HOME"; grep CapEff /proc/self/status; touch /tmp/mine; stat -c %u:%g /tmp/mine'
	expect_match "$out" '^uid=12[^ ]* gid=34'
	expect_match "$out" 'CapEff:	0000000000000000'
	expect_match "$out" '12:34'
	cloche exec box sh -c 'echo "www:x:33:33::/var/www:/bin/sh" >>/etc/passwd; echo "extra:x:5055:www" >>/etc/group'
	expect_ok cloche exec -u www box sh -c 'id; echo "home $HOME"'
	expect_match "$out" 'uid=33\(www\) gid=33.*groups=.*5055\(extra\)'
	expect_match "$out" 'home /var/www'
	expect_ok cloche exec -u www -e HOME=/elsewhere box sh -c 'echo "home $HOME"'
	expect_eq "$out" "home /elsewhere"
}

# What a process is allowed and limited to, in lines that can be compared.
what_i_am='grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)" /proc/PID/status; cat /proc/PID/limits; readlink /proc/PID/ns/* /proc/PID/root; cat /proc/PID/cgroup'

test_the_same_rights_as_pid_1() {
	local options
	for options in "" "--cap-drop ALL --cap-add chown --security-opt no-new-privileges --ulimit nofile=77:99 -u 5:6"; do
		use_busybox
		# shellcheck disable=SC2086
		start cloche run --rm --network none --name box $options busybox sleep 1000
		wait_for 10 is_running box
		cloche exec box sh -c "${what_i_am//PID/1}" >first
		cloche exec box sh -c "${what_i_am//PID/self}" >second
		diff first second || fail "exec's process is another than pid 1"
		expect_match "$(cat second)" "Seccomp:	2"
		cloche rm -f box
		finish
	done
}

test_privileged_is_all_but_the_filter() {
	box
	expect_ok cloche exec --privileged box grep -E 'Cap|Seccomp:' /proc/self/status
	expect_match "$out" "CapInh:	0000000000000000"
	expect_match "$out" "CapEff:	[0-9a-f]*ffffffff"
	expect_match "$out" "Seccomp:	2"
}

test_no_handle_of_ours_is_in_there() {
	box
	exec 7</etc/passwd 8<"$SRC"
	expect_ok cloche exec box sh -c 'cat; ls /proc/$$/fd; true'
	expect_eq "$(echo $out)" "0 1 2" "descriptors"
	# CVE-2024-21626: a working folder by a descriptor of ours.
	local fd
	for fd in 3 4 5 6 7 8 9 10 11 12; do
		expect_fail any cloche exec -w "/proc/self/fd/$fd" box cat passwd
	done
	# CVE-2019-5736: as long as it is ours, the new process has no /proc/PID/exe for the container.
	start cloche exec box sh -c 'seen=0
		while [ ! -e /stop ]; do
			for p in /proc/[0-9]*; do
				exe=$(readlink "$p/exe" 2>/dev/null) || continue
				case $exe in *cloche*|*init*) echo "$exe" >>/caught; cat "$p/exe" >/dev/null 2>&1 && echo read >>/caught ;; esac
			done
			seen=$((seen + 1))
		done; [ $seen -gt 0 ]'
	local i
	for ((i = 0; i < 40; i++)); do
		cloche exec box true
	done
	cloche exec box touch /stop
	finish
	expect_eq "$status" 0
	capture cloche exec box cat /caught
	expect_no_match "$out" "cloche"
}

test_input_and_detach() {
	box
	expect_eq "$(echo hello | cloche exec -i box cat)" hello
	expect_eq "$(echo hello | cloche exec box cat)" ""
	expect_fail 1 cloche exec -it box true
	expect_match "$err" "not a TTY"
	expect_ok cloche exec -d box sh -c 'echo $$ >/detached; sleep 1000'
	expect_eq "$out$err" ""
	wait_for 5 cloche exec box sh -c 'kill -0 $(cat /detached)'
	expect_ok cloche exec -dt box sh -c 'tty >/tty; sleep 1000'
	wait_for 5 cloche exec box grep -q /dev/pts /tty
	expect_fail 127 cloche exec -d box nosuch
}

test_signals_are_passed_on() {
	box
	start cloche exec box sh -c 'trap "exit 9" USR1; touch /ready; sleep 1000 & wait'
	wait_for 5 cloche exec box test -e /ready
	kill -USR1 "$pid"
	finish
	expect_eq "$status" 9
}

test_killed_it_leaves_its_program() {
	box
	start cloche exec box sh -c 'touch /ready; sleep 1000'
	wait_for 5 cloche exec box test -e /ready
	kill -KILL "$pid"
	finish
	expect_eq "$status" 137
	expect_ok cloche exec box sh -c 'ps | grep "[s]leep 1000" | wc -l'
	[ "$out" -ge 2 ] || fail "the program went with the command: $out"
	expect_ok cloche exec box true
}

test_the_container_ends() {
	box
	start cloche exec box sh -c 'touch /ready; sleep 1000'
	wait_for 5 cloche exec box test -e /ready
	kill -TERM "$box"
	finish "$box"
	finish
	expect_eq "$status" 137
	expect_fail 125 cloche exec box true
}

test_fifty_at_once() {
	box
	local i pids=()
	for ((i = 0; i < 50; i++)); do
		cloche exec -u "$i" box sh -c 'id -u; sleep 0.1; id -u' >"one.$i" 2>&1 &
		pids+=($!)
	done
	for ((i = 0; i < 50; i++)); do
		wait "${pids[i]}" || fail "one of fifty failed: $(cat "one.$i")"
		expect_eq "$(cat "one.$i")" "$i
$i"
	done
	expect_eq "$(cloche exec box sh -c 'ps | grep -c "[i]d -u"')" 0
}

test_a_terminal() {
	box
	capture python3 "$SRC/tests/lib/on_terminal.py" 24 80 'expect:# ' 'type:stty size; tty; echo TERM=$TERM; id -u\r' 'expect:24 80\s+/dev/pts/\d+\s+TERM=xterm' \
		'size:40x100' 'type:until stty size | grep "40 100"; do sleep 0.1; done\r' 'expect:\n40 100' 'type:exit 5\r' -- cloche exec -it box sh
	expect_eq "$status" 5 "$out"
	expect_no_match "$out" "mode changed"
}

test_an_editor_in_a_terminal() {
	box
	capture python3 "$SRC/tests/lib/on_terminal.py" 24 80 'expect:~' 'type:ihello' 'expect:hello' 'type:\x1b' 'expect:- /made' 'type::wq\r' -- cloche exec -it box vi /made
	expect_eq "$status" 0 "$out"
	expect_eq "$(cloche exec box cat /made)" hello
	expect_no_match "$out" "mode changed"
}

test_keys_detach() {
	box
	capture python3 "$SRC/tests/lib/on_terminal.py" 24 80 'expect:# ' 'type:touch /began; sleep 1; touch /went-on; sleep 1000\r' 'expect:1000' 'type:\x10\x11' -- cloche exec -it box sh
	expect_eq "$status" 0 "$out"
	expect_no_match "$out" "mode changed"
	wait_for 10 cloche exec box test -e /went-on
	capture python3 "$SRC/tests/lib/on_terminal.py" 24 80 'expect:# ' 'type:xy' 'type:\x01' -- cloche exec -it --detach-keys x,y,ctrl-a box sh
	expect_eq "$status" 0 "$out"
	expect_fail 125 cloche exec --detach-keys ctrl- box true
	expect_match "$err" "no key"
}

test_explain_shows_how_it_gets_in() {
	box
	expect_ok cloche exec --explain box true
	expect_match "$err" "setns\(pidfd"
	expect_match "$err" "seccomp"
}

test_packages_and_users_in_a_shell() {
	[ "$KIND" != root ] || skip "it is about ordinary users"
	use_debian
	start cloche run --rm --name deb --network host debian:bookworm sleep 1000
	wait_for 10 is_running deb
	expect_ok cloche exec deb sh -c 'apt-get update -q >/dev/null && apt-get install -qy --no-install-recommends adduser >/dev/null 2>&1; dpkg -s adduser | grep Status'
	expect_match "$out" "install ok installed"
	expect_ok cloche exec deb sh -c 'useradd -m alice && su alice -c "id -un; touch ~/mine; stat -c %U ~/mine"'
	expect_eq "$out" "alice
alice"
	# Another exec, and pid 1's children, see the same owners.
	expect_ok cloche exec -u alice deb sh -c 'echo "$HOME"; stat -c %U /home/alice/mine; touch /root/x 2>&1 | grep -c denied || :'
	expect_match "$out" "/home/alice
alice"
}
