# A container's life without a daemon: run -d, create, start, stop, kill, restart, wait, rm, rename, events; its monitor killed.
# timeout: 120

# start_detached NAME OPTIONS... -- COMMAND...
detach() {
	local name=$1
	shift
	expect_ok cloche run -d --name "$name" --network none "$@"
}

state() {
	cloche ps -a --filter "name=$1" --format '{{.State}}'
}

is_state() {
	[ "$(state "$1")" = "$2" ]
}

monitor_of() {
	pgrep -f "cloche-monitor id=$(cloche ps -q --no-trunc --filter "name=$1") .*$T/"
}

# Of this container alone: the monitor has a pidfd of it.
supervisor_of() {
	local p
	for p in $(sed -n 's/^Pid:[[:space:]]*//p' "/proc/$(monitor_of "$1")/fdinfo/"* 2>/dev/null); do
		! grep -qs cloche-intercept "/proc/$p/cmdline" || echo "$p"
	done
}

# So many connections, and its socket.
has_sockets() {
	[ "$(find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | wc -l)" = "$2" ]
}

init_of() {
	cut -d' ' -f1 "$T/runroot/containers/$(cloche ps -q --no-trunc --filter "name=$1")"
}

nothing_left() {
	[ -z "$(ls "$T/runroot/containers")$(ls "$T/runroot/files")" ]
}

test_detached_container_lives_and_is_stopped() {
	use_busybox
	detach web busybox sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'
	expect_match "$out" '^[0-9a-f]{64}$'
	expect_eq "$(state web)" running
	wait_for 10 sh -c "cloche logs web | grep -q up"
	expect_ok cloche stop web
	expect_eq "$out" web
	expect_ok cloche ps -a --format '{{.Names}} {{.Status}}'
	expect_match "$out" 'web Exited \(7\)'
	nothing_left || fail "left: $(ls -R "$T/runroot")"
	expect_ok cloche rm web
}

# With the default network too: who reads a command's output by a pipe waits for the last that holds it.
test_nothing_in_the_background_holds_the_commands_output() {
	use_busybox
	expect_match "$(timeout 20 cloche run -d --name box busybox sleep 1000 2>&1)" '^[0-9a-f]{64}$'
	expect_eq "$(timeout 20 cloche restart -t 0 box 2>&1)" box
	expect_eq "$(timeout 20 cloche stop -t 0 box 2>&1)" box
	expect_eq "$(timeout 20 cloche start box 2>&1)" box
	expect_ok cloche rm -f box
}

test_files_stay_from_life_to_life() {
	use_busybox
	expect_ok cloche create --name box --network none busybox sh -c 'cat /n 2>/dev/null; echo life >>/n'
	expect_eq "$(state box)" created
	expect_ok cloche start -a box
	expect_eq "$out" ""
	expect_ok cloche start -a box
	expect_eq "$out" life
	expect_ok cloche start -a box
	expect_eq "$out" "life
life"
	expect_eq "$(state box)" exited
}

test_exit_codes_of_starts() {
	use_busybox
	expect_fail 127 cloche run -d --name none --network none busybox nosuch
	expect_match "$err" "nosuch"
	expect_fail 3 cloche run --network none busybox sh -c 'exit 3'
	expect_ok cloche create --name six --network none busybox sh -c 'exit 6'
	expect_fail 6 cloche start -a six
	expect_fail 1 cloche start nosuch
	expect_match "$err" "there is no container"
}

test_what_could_not_be_made_is_not_left() {
	use_busybox
	local command
	for command in "run -d" run create; do
		# shellcheck disable=SC2086
		expect_fail 125 cloche $command --name box --network none -v /data --cidfile /nowhere/id busybox true
		expect_match "$err" "cidfile"
		expect_eq "$(ls "$T/root/containers" "$T/root/containers/by-name")" "$T/root/containers:
by-name

$T/root/containers/by-name:"
		expect_eq "$(cloche volume ls -q)" ""
	done
	nothing_left || fail "left: $(ls -R "$T/runroot")"
}

# What was made whole stays, whatever its start failed at, and can be started again.
test_what_could_not_be_started_stays() {
	use_busybox
	expect_ok cloche run -d --name first -p 127.0.0.1::80 busybox sleep 1000
	local taken
	taken=$(cloche port first 80)
	expect_fail 125 cloche run -d --name second -p "$taken:80" busybox echo started
	expect_file "$T/root/containers/by-name/second/state.json"
	expect_eq "$(state second)" exited
	expect_match "$(cloche inspect -f '{{.State.Error}}' second)" "${taken#*:}"
	expect_ok cloche rm -f first
	expect_ok cloche start -a second
	expect_eq "$out" started
	expect_ok cloche rm second
}

test_wait_says_the_code_also_with_rm() {
	use_busybox
	detach web --rm -i busybox sh -c 'read x; exit 9'
	local monitor
	monitor=$(monitor_of web)
	# The command that started it is gone; then another is there.
	wait_for 10 has_sockets "$monitor" 1
	start cloche wait web
	wait_for 10 has_sockets "$monitor" 2
	cloche kill web >/dev/null
	finish
	expect_eq "$(cat "$T/start.out")" 137
	expect_ok cloche ps -aq
	expect_eq "$out" ""
}

test_restart_policies() {
	use_busybox
	detach fails --restart on-failure:2 busybox sh -c 'echo life; exit 4'
	wait_for 20 is_state fails exited
	expect_ok cloche logs fails
	expect_eq "$out" "life
life
life"
	detach good --restart on-failure busybox true
	wait_for 10 is_state good exited
	detach always --restart always busybox true
	wait_for 10 is_state always restarting
	expect_ok cloche stop always
	expect_eq "$(state always)" exited
	expect_fail 125 cloche run --rm --restart always busybox true
	expect_fail 125 cloche run --restart sometimes busybox true
	expect_match "$err" "unless-stopped"
}

test_kill_of_the_monitor_ends_the_container_and_truth_is_told() {
	use_busybox
	detach web busybox sleep 1000
	local init
	init=$(init_of web)
	kill -KILL "$(monitor_of web)"
	wait_for 5 sh -c "! kill -0 $init 2>/dev/null"
	wait_for 5 is_state web exited
	expect_ok cloche ps -a --format '{{.Status}}'
	expect_match "$out" 'Exited \(137\): its monitor'
	expect_ok cloche start web
	expect_eq "$(state web)" running
	expect_ok cloche rm -f web
	nothing_left || fail "left: $(ls -R "$T/runroot")"
}

test_kill_of_the_monitor_with_rm_is_cleaned_up() {
	use_busybox
	detach web --rm busybox sleep 1000
	kill -KILL "$(monitor_of web)"
	wait_for 5 sh -c "[ -z \"\$(cloche ps -aq)\" ]"
	expect_eq "$(ls "$T/root/containers")" by-name
}

# As the end of a login does.
test_a_runtime_folder_that_is_removed_ends_the_container() {
	use_busybox
	detach web busybox sleep 1000
	local init
	init=$(init_of web)
	rm -r "$T/runroot/"*
	wait_for 5 sh -c "! kill -0 $init 2>/dev/null"
	wait_for 5 is_state web exited
}

test_kill_of_pid_1_from_outside() {
	use_busybox
	detach web busybox sleep 1000
	kill -KILL "$(init_of web)"
	wait_for 5 is_state web exited
	expect_ok cloche ps -a --format '{{.Status}}'
	expect_match "$out" 'Exited \(137\)'
}

test_kill_of_the_supervisor_ends_the_container() {
	[ "$KIND" = nosubids ] || skip "nothing is emulated"
	use_busybox
	detach web busybox sleep 1000
	kill -KILL "$(supervisor_of web)"
	wait_for 5 is_state web exited
}

test_start_killed_at_any_moment() {
	use_busybox
	local i
	expect_ok cloche create --name box --network none busybox sleep 1000
	for i in 001 002 004 006 008 010 015 020 030 050; do
		timeout --foreground -s KILL "0.$i" cloche start box >/dev/null 2>&1 || :
		timeout --foreground -s KILL "0.$i" cloche run -d --name "d$i" --network none busybox sleep 1000 >/dev/null 2>&1 || :
	done
	# A command that was killed may have left the start to the monitor to be, whose container is seen when it has its record.
	wait_for 10 sh -c 'cloche ps -aq | xargs -r cloche rm -f >/dev/null && [ -z "$(cloche ps -aq)" ] && [ -z "$(ls "$T/runroot/containers")" ]'
	wait_for 5 nothing_left
}

test_restart_and_kill_by_signal() {
	use_busybox
	detach web busybox sh -c 'trap "echo usr1" USR1; echo up; while :; do sleep 0.05; done'
	wait_for 10 sh -c "cloche logs web | grep -q up"
	expect_ok cloche kill -s USR1 web
	wait_for 5 sh -c "cloche logs web | grep -q usr1"
	local before
	before=$(init_of web)
	expect_ok cloche restart -t 0 web
	[ "$(init_of web)" != "$before" ] || fail "the same process"
	expect_ok cloche rm -f web
	expect_fail 1 cloche kill web
}

test_rename() {
	use_busybox
	detach web busybox sleep 1000
	expect_ok cloche create --name other --network none busybox true
	expect_fail 125 cloche rename web other
	expect_match "$err" "taken"
	expect_ok cloche rename web shop
	expect_ok cloche ps --format '{{.Names}}'
	expect_eq "$out" shop
	# Also its monitor, which began before, tells of it by the name of today.
	cloche kill shop >/dev/null
	cloche wait shop >/dev/null
	expect_ok cloche events --since 1h --until 0s --filter container=shop --format '{{.Action}} {{.Actor.Attributes.name}}'
	expect_match "$out" "^rename shop"
	expect_match "$out" "die shop"
	expect_ok cloche rm -f shop
	expect_eq "$(ls "$T/root/containers/by-name")" other
}

test_events_tell_a_life() {
	use_busybox
	detach web --label tier=front busybox sh -c 'exit 5'
	wait_for 10 is_state web exited
	expect_ok cloche rm web
	expect_ok cloche events --since 1h --until 0s --filter container=web --format '{{.Action}}'
	expect_eq "$out" "create
start
die
destroy"
	expect_ok cloche events --since 1h --until 0s --filter event=die --filter label=tier=front --format '{{.Actor.Attributes.exitCode}}'
	expect_eq "$out" 5
	expect_fail 125 cloche events --filter nonsense --until 0s
	expect_fail 125 cloche events --since nonsense --until 0s
}

# A filter that isn't one is told at once, also where there is nothing to filter, and nothing is done.
test_filters_that_are_none() {
	use_busybox
	local filter command
	for command in "container prune -f" "start --all" "ps -aq"; do
		expect_fail 125 cloche $command --filter foo=bar
		expect_match "$err" "--filter 'foo=bar'"
		expect_fail 125 cloche $command --filter before=nobody
		expect_match "$err" "nobody.*no such container"
	done
	for filter in foo exited=abc status=xyz health=well restart-policy=often until=yesterday publish=http 'name=('; do
		expect_fail 125 cloche ps --filter "$filter"
		expect_eq "$out" ""
		expect_match "$err" "--filter '${filter%(}"
		expect_match "$err" "hint: |the form is KEY=VALUE"
	done
	expect_fail 125 cloche ps --filter foo=bar
	expect_match "$err" "hint: there are ancestor, before, exited, .*volume"
	expect_ok cloche create --name kept --network none busybox true
	expect_fail 125 cloche container prune -f --filter label=x --filter foo=bar
	expect_ok cloche ps -aq
	expect_match "$out" "^[0-9a-f]{12}$"
	for filter in x=y event; do
		expect_fail 125 cloche events --filter "$filter" --until 0s
		expect_fail 125 cloche events --filter event=die --filter "$filter" --until 0s
		expect_match "$err" "container=, event=, image=, label= or type="
	done
	expect_fail 125 cloche events --format '{{' --until 0s
}

test_filters_by_others_as_docker() {
	use_busybox
	local id name
	for name in one two three; do
		expect_ok cloche create --name "$name" -p 80 --expose 53/udp -l "n=$name" busybox true
	done
	id=$(cloche ps -aq --filter name=two)
	expect_ok cloche ps -a --filter before=two --format '{{.Names}}'
	expect_eq "$out" one
	expect_ok cloche ps -a --filter "since=${id:0:8}" --format '{{.Names}}'
	expect_eq "$out" three
	expect_ok cloche ps -a --filter 'name=^/t' --format '{{.Names}}'
	expect_eq "$out" $'three\ntwo'
	expect_ok cloche ps -a --filter 'name=^two$' --filter publish=80 --filter expose=53/udp --format '{{.Names}}'
	expect_eq "$out" two
	expect_ok cloche container prune -f --filter label!=n=two
	expect_ok cloche ps -a --format '{{.Names}}'
	expect_eq "$out" two
	expect_ok cloche container prune -f --filter until=24h
	expect_eq "$out" "Total reclaimed space: 0B"
	expect_ok cloche container prune -f --filter until=0s
	expect_match "$out" "$id"
}

# Labels that are called like what an event says of itself, or like its JSON, hide nothing.
test_labels_named_like_attributes() {
	use_busybox
	expect_fail 3 cloche run --name web --network none --label name=x --label image=y --label exitCode=z --label id=i \
		--label 'Actor={"ID":"q"}' --label '}}=",{' --label time=0 busybox sh -c 'exit 3'
	expect_ok cloche events --since 1h --until 0s --format '{{.Action}} {{.Actor.Attributes.name}} {{.from}}'
	expect_eq "$out" $'create web busybox\nstart web busybox\ndie web busybox'
	expect_ok cloche events --since 1h --until 0s --filter container=web --filter event=die --format '{{.Actor.Attributes.exitCode}}'
	expect_eq "$out" 3
	expect_ok cloche events --since 1h --until 0s --filter label='}}=",{' --filter image=busybox --format '{{.Action}}'
	expect_eq "$out" $'create\nstart\ndie'
	expect_ok timeout 10 cloche events --since 1h --until 0
	expect_eq "$out" ""
}

test_prune_and_filters() {
	use_busybox
	expect_ok cloche create --name one --network none --restart always busybox true
	expect_ok cloche create --name two --network none busybox true
	detach up busybox sleep 1000
	expect_ok cloche ps -aq --filter restart-policy=always
	expect_eq "$(echo "$out" | wc -l)" 1
	expect_ok cloche ps -a --filter should-start-on-boot=true --format '{{.Names}}'
	expect_eq "$out" one
	expect_ok cloche container prune -f
	expect_eq "$(echo "$out" | grep -cE '^[0-9a-f]{64}$')" 2
	expect_match "$out" "Total reclaimed space: "
	expect_ok cloche ps -a --format '{{.Names}}'
	expect_eq "$out" up
	expect_ok cloche rm -f up
}

test_health() {
	use_busybox
	detach web --health-cmd 'test -e /ok' --health-interval 100ms --health-retries 2 busybox sleep 1000
	wait_for 20 sh -c "cloche ps --filter health=unhealthy -q | grep -q ."
	expect_ok cloche exec web touch /ok
	wait_for 20 sh -c "cloche ps --filter health=healthy -q | grep -q ."
	expect_ok cloche ps --format '{{.Status}}'
	expect_match "$out" "\(healthy\)"
	expect_ok cloche rm -f web
}

test_monitor_is_small_and_sleeps() {
	use_busybox
	detach web busybox sleep 1000
	local pid rss
	pid=$(monitor_of web)
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	[ "$rss" -le 1536 ] || fail "the monitor has $rss KiB resident"
	# Nor anything of which a user has few: more containers than inotify instances must do.
	expect_eq "$(ls -l "/proc/$pid/fd" | grep -cE 'timerfd|inotify' || :)" 0
	expect_ok cloche rm -f web
}

test_many() {
	use_busybox
	expect_ok "$SRC/tests/bench/soak" "$CLOCHE --root $T/root --runroot $T/runroot" 10 2
	expect_match "$out" "commands, 0 errors"
	nothing_left || fail "left: $(ls -R "$T/runroot")"
}

# A user who has as many programs that watch files as the kernel allows (or 128 containers of an older version of ours).
test_life_where_nothing_can_be_watched() {
	[ "$KIND" = nosubids ] || skip "the limit is lowered in a user namespace, which needs no rights of the machine's root"
	use_busybox
	cat >life <<-'END'
		echo 0 >/proc/sys/user/max_inotify_instances || exit 77
		set -e
		cloche run -d --name again --network none --restart always busybox false
		cloche stop again
		[ "$(cloche inspect -f '{{.State.Status}}' again)" = exited ]
		cloche rm -f again
		cloche run -d --name box --network none busybox sleep 0.2
		[ "$(cloche wait box)" = 0 ]
		cloche start box
		cloche rm -f box
	END
	capture unshare --user --map-root-user sh life
	[ "$status" != 77 ] || skip "the limit can't be lowered here"
	expect_eq "$status: $err" "0: "
	nothing_left
}

# One of them starts it, and it runs when any of them says so.
test_started_by_several_at_once() {
	use_busybox
	expect_ok cloche create --name box --network none busybox sleep 1000
	local pids=() i
	for i in 1 2 3 4 5 6; do
		{ cloche start box && cloche exec box true; } >"$T/out.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail "one failed: $(cat "$T"/out.*)"
	done
	expect_ok cloche rm -f box
	nothing_left
}

# A command that reads from an ended container has its lock, which makes nothing else of it.
test_one_that_is_read_has_still_exited() {
	use_busybox
	expect_fail 7 cloche run --name web --network none busybox sh -c 'exit 7'
	mkfifo pipe
	start sh -c 'cloche cp web:/bin - >pipe'
	exec 7<pipe
	expect_eq "$(head -c 3 <&7)" bin
	expect_fail 1 cloche rm web
	expect_ok cloche ps -a --format '{{.State}} {{.Status}}'
	expect_match "$out" '^exited Exited \(7\)'
	expect_ok cloche inspect --format '{{.State.Status}} {{.State.ExitCode}}' web
	expect_eq "$out" "exited 7"
	exec 7<&-
	finish
	expect_ok cloche rm web
}

# Each has its time from the beginning, not from its turn; what is said comes in the order of the command line.
test_several_are_stopped_together() {
	use_busybox
	local began name
	for name in s1 s2 s3 s4 s5; do
		expect_ok cloche run -d --name $name --network none busybox sh -c 'trap "" TERM; touch /deaf; while :; do sleep 1; done'
		wait_for 10 cloche exec $name test -e /deaf
	done
	began=$SECONDS
	expect_fail 1 cloche stop -t 4 s3 s1 nosuch s2 s5 s4
	[ $((SECONDS - began)) -lt 15 ]
	expect_eq "$(echo $out)" "s3 s1 s2 s5 s4"
	expect_match "$err" "there is no container 'nosuch'"
	expect_ok cloche ps -a --format '{{.State}} {{.Status}}'
	expect_eq "$(grep -c '^exited Exited (137)' <<<"$out")" 5
	expect_ok cloche start s1 s2 s3
	expect_fail 1 cloche rm s1 nosuch s4
	expect_eq "$out" s4
	expect_ok cloche rm -f s2 s1 nosuch s3 s5
	expect_eq "$(echo $out)" "s2 s1 s3 s5"
	expect_ok cloche ps -aq
	expect_eq "$out" ""
}
