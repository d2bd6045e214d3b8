# Looking into a container that runs, and copying: enter, debug, cp, top.

is_running() {
	[ -n "$(cloche ps -q --filter "name=$1" --filter status=running)" ]
}

# box [OPTION...] : the container "box" runs and has some files.
box() {
	use_busybox
	start cloche run --rm --network none --name box "$@" busybox sh -c '
		mkdir -p /d/sub; echo one >/d/one; echo two >/d/sub/two; ln -s one /d/link; ln -s /etc /d/out
		mkdir /priv; echo secret >/priv/s; chown -R 33:44 /priv; chmod 700 /priv; chmod 600 /priv/s
		trap "exit 0" TERM; sleep 1000 & touch /ready; wait'
	wait_for 10 cloche exec box test -e /ready
}

test_enter_a_choice_of_namespaces() {
	box --hostname bell
	expect_ok cloche enter box --ns uts hostname
	expect_eq "$out" bell
	expect_ok cloche enter --ns net box cat /proc/net/dev
	expect_match "$out" "lo:"
	expect_no_match "$out" "eth|ens|docker"
	# Our own files, and folder.
	echo mine >mine
	expect_ok cloche enter box --ns net,uts cat mine
	expect_eq "$out" mine
	expect_ok cloche enter box sh -c 'cat /d/one; ps | grep -c "[s]leep 1000"'
	expect_match "$out" "^one"
	expect_fail 3 cloche enter box --ns net sh -c 'exit 3'
	expect_fail 127 cloche enter box nosuch
	expect_fail 125 cloche enter box --ns nosuch true
	expect_match "$err" "'nosuch' is no namespace"
	expect_fail 125 cloche enter nosuch true
}

test_enter_warns_of_tracers() {
	box --cap-add SYS_PTRACE
	expect_ok cloche enter box --ns pid true
	expect_match "$err" "CAP_SYS_PTRACE"
	expect_ok cloche enter box --ns pid,mnt true
	expect_eq "$err" ""
}

test_cp_files_out() {
	box
	expect_ok cloche cp box:/d/one .
	expect_match "$err" "Successfully copied 4B to ."
	expect_eq "$(cat one)" one
	expect_eq "$(stat -c %u one)" "$(id -u)"
	expect_ok cloche cp -q box:/priv/s secret
	expect_eq "$err" ""
	expect_eq "$(cat secret)" secret
	expect_ok cloche cp -q box:/d new
	expect_eq "$(cat new/sub/two)" two
	mkdir there
	expect_ok cloche cp -q box:/d there
	expect_file there/d/one
	expect_ok cloche cp -q box:/d/. there
	expect_file there/sub/two
	expect_ok cloche cp -q box:/d/link link
	expect_eq "$(readlink link)" one
	expect_ok cloche cp -qL box:/d/link followed
	expect_eq "$(cat followed)" one
	expect_fail any cloche cp box:/nosuch x
	expect_match "$err" "'/nosuch': No such file"
	expect_fail any cloche cp box:/d one
	expect_match "$err" "no folder"
	expect_fail any cloche cp box:/d/one no/such/
	expect_fail any cloche cp one two
	expect_match "$err" "CONTAINER:PATH"
	# A link that leads out of the container leads nowhere but into it.
	cloche exec box ln -s ../../../../../../../etc/passwd /d/escape
	cloche exec box sh -c 'echo inside >/etc/passwd'
	expect_ok cloche cp -qL box:/d/escape got
	expect_eq "$(cat got)" inside
}

test_cp_files_in() {
	box
	mkdir -p src/sub
	echo a >src/a
	echo b >src/sub/b
	expect_ok cloche cp -q src box:/in
	expect_ok cloche cp -q src box:/d
	expect_ok cloche cp -q src/. box:/d/sub
	expect_ok cloche cp -q src/a box:/d/one
	expect_ok cloche exec box sh -c 'cat /in/sub/b /d/src/a /d/sub/a /d/one; stat -c %u:%g /in/a'
	expect_eq "$out" "b
a
a
a
0:0"
	expect_ok cloche cp -q src/a box:/d/out/new
	expect_ok cloche exec box cat /etc/new
	expect_eq "$out" a
	expect_no_file /etc/new
	expect_fail any cloche cp src/a box:/no/such
	expect_fail any cloche cp src/a box:/nosuch/
	expect_fail any cloche cp src box:/d/one
}

test_cp_by_pipe() {
	box
	cloche cp box:/d - >d.tar
	expect_match "$(tar tf d.tar)" "d/sub/two"
	cloche cp box:/priv - >priv.tar
	expect_match "$(tar tvf priv.tar --numeric-owner)" "33/44 .*priv/s"
	mkdir a
	echo x >a/x
	tar cf - a | cloche cp - box:/d
	expect_eq "$(cloche exec box cat /d/a/x)" x
	cloche cp -a - box:/root <priv.tar
	expect_ok cloche exec box stat -c %u:%g /root/priv/s
	expect_eq "$out" 33:44
	expect_fail any cloche cp - box:/d/one <d.tar
	expect_match "$err" "no folder"
	printf 'no tar' >bad
	expect_fail any cloche cp - box:/d <bad
}

test_cp_of_one_that_does_not_run() {
	use_busybox
	cloche run --network none --name still busybox sh -c 'mkdir /d; echo x >/d/x; chown 5:6 /d/x'
	expect_ok cloche cp -q still:/d/x x
	expect_eq "$(cat x)" x
	echo new >new
	expect_ok cloche cp -q new still:/d/new
	expect_ok cloche cp -q still:/d/new back
	expect_eq "$(cat back)" new
	expect_ok cloche diff still
	expect_match "$out" "A /d/new"
	expect_no_match "$out" "work"
	cloche cp still:/d - >d.tar
	expect_match "$(tar tvf d.tar --numeric-owner)" "5/6 .*d/x"
	expect_ok cloche rm still
	expect_eq "$(ls "$T/root/tmp")" ""
}

test_top_shows_the_tree_and_guests() {
	box
	start cloche exec box sh -c 'sleep 77; true'
	wait_for 5 sh -c 'cloche top --once box | grep -q "sleep 77"'
	expect_ok cloche top box
	expect_match "$out" "PID +HOSTPID +STATE"
	expect_match "$out" "1 +[0-9]+  S sleeps .*sh -c"
	expect_match "$out" "  sleep 1000"
	expect_match "$out" "  sleep 77"
	need ps
	expect_ok cloche top box -o pid,args
	expect_match "$out" "PID COMMAND"
	expect_match "$out" "sleep 77"
	expect_no_match "$out" "ps -o"
	expect_fail any cloche top box -o args
	expect_match "$err" "no column PID"
}

test_top_refreshes_on_a_terminal() {
	box
	capture python3 "$SRC/tests/lib/on_terminal.py" 24 80 'expect:STATE' 'expect:STATE' 'signal:SIGINT' -- cloche top box
	expect_match "$out" "processes, [0-9]+% of a processor"
}

# A line that is too long is cut, not wrapped; what a program calls itself is shown without what a terminal would obey.
test_live_views_keep_to_the_terminal() {
	use_busybox
	expect_ok cloche run -d --name box --network none busybox sh -c 'sleep 1000 & exec sh -c "sleep 1001 1002 1003 1004 1005 1006; printf \"$0\"" "$(printf "evil\033[2Jname")"'
	capture python3 "$SRC/tests/lib/on_terminal.py" 10 70 'expect:sleep 1000' 'signal:SIGINT' -- cloche top box
	expect_match "$out" "sleep 1001"
	expect_no_match "$out" "1005"
	expect_no_match "$out" 'evil.\[2J'
	expect_ok cloche top --once box
	expect_match "$out" 'evil \[2Jname'
	capture python3 "$SRC/tests/lib/on_terminal.py" 10 60 'expect:MEM USAGE' 'signal:SIGINT' -- cloche stats
	expect_no_match "$out" "BLOCK I/O"
	expect_match "$out" "NAME.*CPU %.*PIDS"
	expect_ok cloche rm -f box
}

test_mounts_are_all_listed() {
	use_busybox
	expect_ok cloche run -d --name box --network none --read-only --tmpfs /t busybox sleep 1000
	expect_ok cloche exec box sh -c 'while read -r _ _ _ _ place _; do echo "$place"; done </proc/self/mountinfo | sort'
	local inside=$out
	expect_ok cloche inspect --mounts box
	expect_match "$out" "
    null +bind +rw /dev/null  the host's device"
	expect_match "$out" "
    sys +bind +ro itself, so that it is read-only"
	expect_eq "$(grep -cv ' \(upper\|lower\) ' <<<"$out")" "$(wc -l <<<"$inside")" "as many mounts"
	expect_ok cloche rm -f box
}

test_debug_brings_tools() {
	need busybox
	box --hostname bell
	expect_ok cloche debug box sh -c 'cat /container/d/one; ps | grep "[s]leep 1000"; hostname; ls /sys/class/net; cat /container/priv/s'
	expect_match "$out" "^one"
	expect_match "$out" "sleep 1000"
	expect_match "$out" "bell"
	expect_match "$out" "secret"
	expect_fail 5 cloche debug box --image busybox sh -c 'exit 5'
	expect_fail 125 cloche debug box --image nosuch sh
	expect_eq "$(cloche ps -aq | wc -l)" 1
}
