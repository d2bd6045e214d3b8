# pause, unpause, stats, update: by control groups where this user may have some, else without.
# once: test_stats_has_dockers_columns

# A container "web" that counts up in its standard output's file, as fast as lines can be written.
begin() {
	use_busybox
	start cloche run --name web "$@" --network none busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; done'
	wait_for 10 test -s "$T/start.out"
}

end() {
	expect_ok cloche rm -f web
	finish
	expect_eq "$status" 137
	expect_eq "$(ls "$T/runroot/files")" ""
}

size() {
	stat -c %s "$T/start.out"
}

is_growing() {
	[ "$(size)" -gt "$1" ]
}

test_pause_stops_and_unpause_goes_on() {
	begin
	expect_ok cloche pause web
	expect_eq "$out" web
	if [ "$KIND" = root ]; then
		expect_eq "$err" ""
	else
		expect_match "$err" "web is stopped by signals, which its processes may notice"
	fi
	local before
	before=$(size)
	expect_ok cloche inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' web
	expect_eq "$out" "paused true true"
	expect_ok cloche ps --format '{{.Status}}|{{.State}}'
	expect_match "$out" '^Up .* \(Paused\)\|paused$'
	expect_fail 1 cloche pause web
	expect_match "$err" "is already paused"
	expect_eq "$(size)" "$before"
	expect_ok cloche unpause web
	wait_for 5 is_growing "$before"
	expect_fail 1 cloche unpause web
	expect_match "$err" "is not paused"
	end
}

test_a_paused_container_can_be_ended() {
	begin
	expect_ok cloche pause web
	end
}

test_pause_of_what_does_not_run() {
	use_busybox
	expect_ok cloche run --name done --network none busybox true
	expect_fail 1 cloche pause done nobody
	expect_match "$err" "container [0-9a-f]{12} is not running"
	expect_match "$err" "there is no container 'nobody'"
	expect_fail 1 cloche unpause done
}

# All of them, also those that are being made meanwhile.
test_pause_of_many_processes() {
	use_busybox
	start cloche run --name web --network none busybox sh -c \
		'for i in 1 2 3 4; do (while :; do sh -c "echo $i"; done) & done; wait'
	wait_for 10 test -s "$T/start.out"
	expect_ok cloche pause web
	local before
	before=$(size)
	expect_ok cloche top web
	expect_eq "$(size)" "$before"
	expect_ok cloche unpause web
	wait_for 5 is_growing "$before"
	end
}

test_stats_has_dockers_columns() {
	begin
	expect_ok cloche stats --no-stream
	expect_match "$out" '^CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS'
	expect_match "$out" '[0-9a-f]{12} +web +[0-9]+\.[0-9]{2}% +[0-9.]+[KM]iB / [0-9.]+GiB +0\.[0-9]{2}% +0B / 0B +.* +1$'
	expect_match "$err" "without a control group that counts everything: .* from /proc"
	expect_ok cloche stats --no-stream --format '{{.Name}} {{.PIDs}}' web
	expect_eq "$out" "web 1"
	expect_ok cloche stats --no-stream --no-trunc --format json
	expect_match "$out" '"ID":"[0-9a-f]{64}"'
	# It is busy all the time: whatever else the machine does, it gets more than nothing.
	expect_ok cloche stats --no-stream --format '{{.CPUPerc}}'
	expect_no_match "$out" '^0\.00%'
	end
	expect_ok cloche stats --no-stream --format '{{.Name}}'
	expect_eq "$out" ""
	expect_ok cloche run --name done --network none busybox true
	expect_ok cloche stats --no-stream -a --format '{{.Name}} {{.PIDs}}'
	expect_eq "$out" "done 0"
	expect_fail 125 cloche stats --no-stream nobody
}

test_stats_live_on_a_terminal_has_graphs() {
	begin
	LANG=C.UTF-8 LC_ALL=C.UTF-8 capture python3 "$SRC/tests/lib/on_terminal.py" 24 200 'expect:CPU, MEMORY' 'expect:[▁▂▃▄▅▆▇█]' \
		signal:SIGTERM -- cloche stats web
	expect_eq "$err" ""
	expect_match "$out" 'web .*[▁▂▃▄▅▆▇█]+\|'
	end
}

test_update_of_one_that_does_not_run() {
	use_busybox
	expect_ok cloche create --name later --network none busybox true
	expect_ok cloche update --memory 64m --cpus 0.5 --pids-limit 20 later
	expect_eq "$out" later
	expect_ok cloche inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' later
	expect_eq "$out" "67108864 134217728 500000000 20"
	expect_ok cloche update --memory 32m later
	expect_ok cloche inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}' later
	expect_eq "$out" "33554432 134217728 20"
	expect_fail 1 cloche update --memory 1g later
	expect_match "$err" "memory and swap together .* are less than the memory"
	expect_fail 1 cloche update --memory 1g nobody
	expect_fail 125 cloche update later
	expect_match "$err" "give one or more limits"
}

test_update_of_a_running_one() {
	begin
	if [ "$KIND" != root ]; then
		expect_fail 1 cloche update --memory 64m web
		expect_match "$err" "controller 'memory' can't be used by this user"
		expect_ok cloche inspect -f '{{.HostConfig.Memory}}' web
		expect_eq "$out" 0
		end
		return
	fi
	expect_ok cloche update --memory 64m --cpus 0.5 web
	local group
	group=$(awk '{ n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == "memory") print $3 }' "$T"/runroot/files/*/cgroup)
	expect_match "$(cat "$group/cgroup.procs")" '^[0-9]+'
	[ ! -e "$group/memory.limit_in_bytes" ] || expect_eq "$(cat "$group/memory.limit_in_bytes")" 67108864
	expect_ok cloche update --memory 128m --memory-swap 256m web
	[ ! -e "$group/memory.limit_in_bytes" ] || expect_eq "$(cat "$group/memory.limit_in_bytes")" 134217728
	expect_ok cloche update --memory 32m --memory-swap 64m web
	expect_ok cloche stats --no-stream --format '{{.MemUsage}}' web
	expect_match "$out" '/ 32MiB$'
	# What the machine refuses stays as it was.
	expect_fail 1 cloche update --cpuset-cpus 4000 web
	expect_match "$err" "write '4000' to"
	expect_ok cloche inspect -f '{{.HostConfig.CpusetCpus}}|{{.HostConfig.Memory}}' web
	expect_eq "$out" "|33554432"
	end
	expect_no_file "$group"
}
