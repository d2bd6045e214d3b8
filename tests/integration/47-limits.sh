# Limits by control groups: what is set, what is refused and how, what is left behind.

# The folder of the container's group in the tree of version 1 of CONTROLLER, or the one of version 2.
group_of() {
	local file
	for file in "$T"/runroot/files/*/cgroup; do
		awk -v c="$1" '{ n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == c) print $3 }' "$file"
	done
}

group_v2() {
	awk '$1 == 2 { print $3 }' "$T"/runroot/files/*/cgroup
}

# Skips unless this user can be limited by version 1's CONTROLLER: root, with it mounted.
need_v1() {
	local c
	[ "$KIND" = root ] || skip "only root can use version 1"
	for c; do
		grep -q " - cgroup .*[, ]$c\(,\|$\)" /proc/self/mountinfo || skip "there is no controller $c of version 1"
	done
}

# A container that stays until end.
begin() {
	use_busybox
	start cloche run "$@" --network none busybox sh -c 'echo ready; exec sleep 1000'
	wait_for 10 grep -q ready "$T/start.out"
}

end() {
	expect_ok cloche rm -f "$(cloche ps -q)"
	finish
	expect_eq "$status" 137
}

# What a machine or a user can't do is refused with the controller's name; here that is every ordinary user of version 1.
test_refused_for_ordinary_users() {
	[ "$KIND" != root ] || skip "root may"
	grep -q ' - cgroup .*memory' /proc/self/mountinfo || skip "there is no version 1"
	use_busybox
	local option controller
	while read -r option controller; do
		expect_fail 125 cloche run --rm --network none $option busybox true
		expect_match "$err" "controller '$controller' can't be used by this user: '/.*' is not ours to write to"
		expect_match "$err" "hint: .*run it as root"
		expect_eq "$out" ""
	done <<-END
		--memory=20m memory
		--memory-reservation=20m memory
		--cpus=1 cpu
		--cpu-shares=100 cpu
		--cpuset-cpus=0 cpuset
		--pids-limit=20 pids
		--blkio-weight=500 blkio
	END
	expect_fail 125 cloche run --rm --network none --cgroup-parent foo busybox true
	expect_match "$err" "control group 'foo/cloche-.*' can't be made by this user"
	expect_fail 125 cloche run --rm --network none --device-cgroup-rule 'c 1:3 r' busybox true
	expect_match "$err" "only root can have rules for devices"
	expect_eq "$(ls "$T/runroot/containers" "$T/runroot/files" 2>&1 | grep -c '[0-9a-f]\{64\}')" 0
}

test_words_that_mean_nothing() {
	use_busybox
	local words
	while read -r words; do
		expect_fail 125 cloche run --rm --network none ${words%%|*} busybox true
		expect_match "$err" "${words#*|}"
	done <<-'END'
		--memory=1x|--memory '1x': not a size
		--memory=5m|--memory '5m': at least 6m
		--memory-swap=1g|it goes with --memory
		--memory=20m --memory-swap=10m|are less than the memory
		--memory=20m --memory-reservation=30m|more than --memory
		--memory-swappiness=101|a number from 0 to 100
		--kernel-memory=1g|no such limit
		--cpus=0.001|from 0.01 to
		--cpus=100000|from 0.01 to
		--cpus=1 --cpu-quota=5000|not both
		--cpu-period=999|from 1000 to 1000000
		--cpu-quota=10|1000 or more
		--cpuset-cpus=a|not a list of numbers
		--pids-limit=-2|-1 is without limit
		--blkio-weight=5|a weight from 10 to 1000
		--device-read-bps=/dev/null:1m|is not a disk
		--device-read-bps=/dev/none:1m|No such file
		--device-write-iops=x|the form is DEVICE:VALUE
		--cgroup-parent=../x|not a path of a control group
	END
}

test_v1_values_are_dockers() {
	need_v1 memory cpu pids cpuset
	begin --rm -m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --pids-limit 50 --cpuset-cpus 0
	local m c
	m=$(group_of memory) c=$(group_of cpu)
	expect_eq "$(cat "$m/memory.limit_in_bytes")" $((64 << 20))
	expect_eq "$(cat "$m/memory.soft_limit_in_bytes")" $((32 << 20))
	[ ! -e "$m/memory.memsw.limit_in_bytes" ] || expect_eq "$(cat "$m/memory.memsw.limit_in_bytes")" $((128 << 20))
	expect_eq "$(cat "$c/cpu.cfs_quota_us") $(cat "$c/cpu.cfs_period_us") $(cat "$c/cpu.shares")" "50000 100000 512"
	expect_eq "$(cat "$(group_of pids)/pids.max")" 50
	expect_eq "$(cat "$(group_of cpuset)/cpuset.cpus")" 0
	expect_match "$(cat "$m/cgroup.procs")" "^[0-9]+"
	end
	expect_no_file "$m"
	expect_no_file "$c"
}

test_memory_is_limited() {
	need_v1 memory
	use_busybox
	expect_fail 137 cloche run --name big --network none -m 20m busybox sh -c 'exec tail /dev/zero'
	expect_ok cloche inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}' big
	expect_eq "$out" "true 137 20971520 41943040"
	expect_ok cloche run --name small --network none -m 20m busybox true
	expect_ok cloche inspect -f '{{.State.OOMKilled}}' small
	expect_eq "$out" false
}

test_processes_are_limited() {
	need_v1 pids
	use_busybox
	capture cloche run --rm --network none --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 9 & done; :'
	expect_match "$err" "can't fork|Resource temporarily"
}

test_processors_are_limited() {
	need_v1 cpu cpuset
	use_busybox
	expect_ok cloche run --rm --network none --cpuset-cpus 0 busybox nproc
	expect_eq "$out" 1
	expect_fail 125 cloche run --rm --network none --cpuset-cpus 4000 busybox true
	expect_match "$err" "write '4000' to '.*cpuset.cpus'"
	expect_match "$err" "hint: only what the group above has"
}

# By weight only with the BFQ scheduler: a file that this kernel lacks is named.
test_disks_by_weight() {
	need_v1 blkio
	use_busybox
	capture cloche run --rm --network none --blkio-weight 500 busybox true
	if [ "$status" = 0 ]; then
		begin --rm --blkio-weight 500
		expect_match "$(cat "$(group_of blkio)"/blkio*.weight)" 500
		end
	else
		expect_eq "$status" 125
		expect_match "$err" "write '500' to '.*/blkio.weight': No such file"
		expect_match "$err" "hint: .*BFQ scheduler"
	fi
}

test_disks_are_limited() {
	need_v1 blkio
	local disk numbers
	disk=$(lsblk -dno NAME 2>/dev/null | head -1)
	[ -n "$disk" ] && [ -b "/dev/$disk" ] || skip "there is no disk"
	begin --rm --device-read-bps "/dev/$disk:1mb" --device-write-iops "/dev/$disk:100"
	numbers=$(lsblk -dno MAJ:MIN "/dev/$disk" | tr -d ' ')
	expect_eq "$(cat "$(group_of blkio)/blkio.throttle.read_bps_device")" "$numbers 1048576"
	expect_eq "$(cat "$(group_of blkio)/blkio.throttle.write_iops_device")" "$numbers 100"
	end
}

# Version 1: rules of their own; a device that was bound, but not allowed, can't be opened.
test_rules_for_devices() {
	need_v1 devices
	use_busybox
	expect_ok cloche run --rm --network none --device /dev/null:/dev/mine busybox sh -c ': >/dev/mine'
	expect_ok cloche run --rm --network none -v /dev:/hostdev --device-cgroup-rule 'c 1:11 r' busybox \
		sh -c 'head -c 1 /hostdev/zero >/dev/null && ! head -c 1 /hostdev/port 2>&1'
	expect_match "$out" "Operation not permitted|not permitted|No such"
}

test_a_parent_of_ones_own() {
	need_v1 memory
	use_busybox
	local top
	begin --rm -m 30m --cgroup-parent "/cloche-test-$$"
	expect_match "$(group_of memory)" "/memory/cloche-test-$$/cloche-[0-9a-f]{64}$"
	end
	for top in /sys/fs/cgroup/*/cloche-test-$$ /sys/fs/cgroup/cloche-test-$$; do
		[ ! -d "$top" ] || rmdir "$top"
	done
}

test_nothing_stays_behind_after_kill_9() {
	need_v1 memory
	begin --rm -m 30m
	local m command
	m=$(group_of memory)
	command=$pid
	[ "$(cat "/proc/$pid/comm")" = cloche ] || command=$(pgrep -P "$pid" cloche | head -1)
	kill -KILL "$command"
	finish
	expect_file "$m"
	expect_ok cloche rm -f nobody
	expect_no_file "$m"
	expect_eq "$(ls "$T/runroot/files")" ""
}

# Killed at any moment of its start.
test_kill_9_while_it_starts() {
	need_v1 memory pids
	use_busybox
	local i
	mkfifo "$T/.tick"
	for i in 1 2 3 4 5 6 7 8; do
		start cloche run --rm -m 30m --pids-limit 20 --cgroup-parent "/cloche-kill-$$" --network none busybox true
		read -r -t "0.0$i" <>"$T/.tick" || :
		kill -KILL "$pid" 2>/dev/null || :
		pkill -KILL -P "$pid" 2>/dev/null || :
		finish
	done
	wait_for 5 sh -c "cloche rm -f nobody; [ -z \"\$(ls '$T/runroot/containers')\" ]"
	expect_eq "$(find /sys/fs/cgroup -type d -path "*/cloche-kill-$$/*")" ""
	find /sys/fs/cgroup -type d -name "cloche-kill-$$" -exec rmdir {} +
}

# The trees of version 1 have no part in a start without limits.
test_without_limits_there_is_no_group() {
	begin --rm
	expect_no_file "$(echo "$T"/runroot/files/*/cgroup)"
	end
}

# `cgroup.kill` ends what a pid namespace doesn't hold together.
test_rm_ends_all_of_a_container_with_the_hosts_processes() {
	need_v1 memory
	use_busybox
	start cloche run --name host --pid host -m 30m --network none busybox sh -c "setsid sleep 12345$$ & echo ready; wait"
	wait_for 10 grep -q ready "$T/start.out"
	wait_for 5 pgrep -fx "sleep 12345$$"
	expect_ok cloche rm -f host
	finish
	wait_for 5 eval "! pgrep -fx 'sleep 12345$$'"
}
