# Namespaces that containers share: --pid, --ipc, --uts, --cgroupns, --network container:NAME.
# users: root nosubids subids
# once: test_a_start_from_disk_finds_the_other_of_today

# Containers outlive the command that started them.
end_all() {
	cloche rm -f first second late >/dev/null 2>&1 || :
}

# A container "first" that stays; returns once it runs.
start_first() {
	use_busybox
	cloche run -d --name first --network none --hostname first-host "$@" busybox sh -c 'echo word >/dev/shm/file; touch /up; exec sleep 1000' >/dev/null
	wait_for 10 eval 'cloche top first 2>/dev/null | grep -q sleep.1000'
}

test_processes_memory_and_names_of_another() {
	start_first
	expect_ok cloche run --rm --network container:first --pid container:first --ipc container:first --uts container:first --cgroupns container:first \
		busybox sh -c 'cat /dev/shm/file; hostname; cat /etc/hostname; tr "\0" " " </proc/1/cmdline; echo; for n in pid net ipc uts cgroup user mnt; do readlink /proc/self/ns/$n; readlink /proc/1/ns/$n; done | uniq -c | tr -s " "'
	expect_match "$out" "^word
first-host
first-host
sleep 1000 
 2 pid:.*
 2 net:.*
 2 ipc:.*
 2 uts:.*
 2 cgroup:.*
 2 user:.*
 1 mnt:.*
 1 mnt:"
	end_all
}

test_signals_reach_the_other_and_owners_hold() {
	start_first
	expect_ok cloche run --rm --network none --pid container:first busybox sh -c 'touch /f; chown 33:33 /f; stat -c %u:%g /f; kill -0 1 && echo reached'
	expect_eq "$out" $'33:33\nreached'
	expect_ok cloche run --rm --network none --pid container:first --user 33:34 busybox id
	expect_match "$out" "uid=33 gid=34"
	end_all
}

test_what_does_not_run_is_not_shared() {
	use_busybox
	expect_fail 125 cloche run --rm --network none --pid container:nobody busybox true
	expect_match "$err" "--pid 'container:nobody': there is no container 'nobody'"
	expect_ok cloche run --name over --network none busybox true
	expect_fail 125 cloche run --rm --network none --pid container:over busybox true
	expect_match "$err" "share its (user|pid) namespace: container .* is not running"
	expect_match "$err" "hint: its namespaces exist while it runs"
	expect_fail 125 cloche run --rm --network none --pid container:over --userns host busybox true
	expect_match "$err" "leave --userns out"
	expect_fail 125 cloche run --rm --network none --ipc container:over --shm-size 1m busybox true
	expect_match "$err" "/dev/shm is not its own"
	end_all
}

test_two_owners_are_one_too_many() {
	start_first
	cloche run -d --name second --network none busybox sleep 1000 >/dev/null
	wait_for 10 eval 'cloche top second 2>/dev/null | grep -q sleep.1000'
	expect_fail 125 cloche run --rm --network none --pid container:first --ipc container:second busybox true
	expect_match "$err" "is in another user namespace than the first"
	expect_match "$err" "hint: run one of the two with --userns container:"
	expect_ok cloche run --rm --network none --userns container:first busybox readlink /proc/self/ns/user
	end_all
}

# Its children are ended with it, though its first process is nobody's pid 1.
test_nothing_is_left_where_processes_are_shared() {
	start_first
	expect_ok cloche run --rm --network none --pid container:first busybox sh -c 'setsid sleep 4321 & :'
	expect_ok cloche run --rm --network none --pid container:first busybox ps
	expect_no_match "$out" "sleep 4321"
	expect_match "$out" "sleep 1000"
	expect_ok cloche run --rm --network none --pid host busybox sh -c "setsid sleep 5432$$ & :"
	[ -z "$(pgrep -fx "sleep 5432$$")" ] || fail "it is left"
	end_all
}

test_a_start_from_disk_finds_the_other_of_today() {
	local seen
	start_first
	expect_ok cloche create --name late --network none --pid container:first --ipc container:first busybox sh -c 'cat /dev/shm/file; readlink /proc/self/ns/pid'
	expect_ok cloche start -a late
	expect_match "$out" $'^word\npid:'
	seen=$(tail -n 1 <<<"$out")
	expect_ok cloche exec first readlink /proc/self/ns/pid
	expect_eq "$seen" "$out"
	# A namespace's number may be that of one that is gone: the other's of today counts.
	cloche restart first
	wait_for 10 eval 'cloche top first 2>/dev/null | grep -q sleep.1000'
	expect_ok cloche start -a late
	expect_match "$out" $'^word\npid:'
	seen=$(tail -n 1 <<<"$out")
	expect_ok cloche exec first readlink /proc/self/ns/pid
	expect_eq "$seen" "$out"
	end_all
}
