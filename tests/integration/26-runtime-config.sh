# config.json, field by field: what the runtime specification has for a process, its namespaces and its resources.
# users: root nosubids subids
# needs: python3

. "$SRC/tests/lib/bundle.sh"

# refused CODE MESSAGE: with config.json changed by CODE, nothing starts.
refused() {
	cp "$B/config.json" "$B/before.json"
	edit "$1"
	expect_fail 125 inside true
	expect_match "$err" "$2"
	mv "$B/before.json" "$B/config.json"
}

test_scheduler() {
	make_bundle
	edit 'c["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}'
	# Fields 19 and 41: nice, policy.
	expect_ok inside cut -d' ' -f19,41 /proc/self/stat
	expect_eq "$out" "7 3"
	if [ "$KIND" = root ]; then
		edit 'c["process"]["scheduler"] = {"policy": "SCHED_RR", "priority": 5}'
		expect_ok inside cut -d' ' -f40,41 /proc/self/stat
		expect_eq "$out" "5 2"
	else
		refused 'c["process"]["scheduler"] = {"policy": "SCHED_FIFO", "priority": 5}' "SCHED_FIFO: Operation not permitted"
	fi
	refused 'c["process"]["scheduler"] = {"policy": "SCHED_X"}' "no policy 'SCHED_X'"
	refused 'c["process"]["scheduler"] = {"policy": "SCHED_OTHER", "flags": ["F"]}' "no flag 'F'"
	refused 'c["process"]["scheduler"] = {"policy": "SCHED_OTHER", "nice": 20}' "nice is -20 to 19"
}

test_io_priority() {
	make_bundle
	edit 'c["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	expect_ok inside ionice
	expect_match "$out" "best-effort: prio 6"
	refused 'c["process"]["ioPriority"]["class"] = "IOPRIO_CLASS_X"' "no class 'IOPRIO_CLASS_X'"
	refused 'c["process"]["ioPriority"]["priority"] = 8' "0 to 7, not 8"
	[ "$KIND" != root ] || return 0
	refused 'c["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_RT", "priority": 0}' "IOPRIO_CLASS_RT: Operation not permitted"
}

test_memory_policy() {
	make_bundle
	edit 'c["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}'
	expect_ok inside sh -c 'grep -m 1 bind /proc/self/numa_maps | cut -d" " -f2'
	expect_eq "$out" "bind=static:0"
	refused 'c["linux"]["memoryPolicy"] = {"mode": "MPOL_X"}' "no mode 'MPOL_X'"
	refused 'c["linux"]["memoryPolicy"]["nodes"] = "0-"' "'0-' is no list of nodes"
	refused 'c["linux"]["memoryPolicy"]["flags"] = ["F"]' "no flag 'F'"
}

test_personality() {
	make_bundle
	edit 'c["linux"]["personality"] = {"domain": "LINUX32"}'
	expect_ok inside uname -m
	expect_match "$out" '^(i686|armv[78]l|.*32.*)$'
	refused 'c["linux"]["personality"] = {"domain": "BSD"}' "no domain 'BSD'"
	refused 'c["linux"]["personality"] = {"domain": "LINUX", "flags": ["X"]}' "has no flag 'X'"
}

test_security_labels_need_their_modules() {
	make_bundle
	edit 'c["process"]["apparmorProfile"] = "unconfined"; c["process"]["selinuxLabel"] = ""; c["linux"]["mountLabel"] = ""'
	expect_ok inside true
	if [ ! -e /sys/module/apparmor/parameters/enabled ]; then
		refused 'c["process"]["apparmorProfile"] = "docker-default"' "AppArmor"
		expect_match "$err" "hint: leave it out"
	fi
	if [ ! -e /sys/fs/selinux/enforce ]; then
		refused 'c["process"]["selinuxLabel"] = "l"' "process.selinuxLabel: this kernel has no SELinux"
		refused 'c["linux"]["mountLabel"] = "l"' "linux.mountLabel: this kernel has no SELinux"
	fi
}

test_limits_by_root_are_raised_in_a_user_namespace() {
	[ "$KIND" = root ] || skip "only root can"
	(ulimit -n 200 && ulimit -n 300) 2>/dev/null || skip "not even root may raise limits here"
	make_bundle
	edit 'c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 3000}]; c["process"]["oomScoreAdj"] = -17'
	expect_ok bash -c 'ulimit -n 200; exec "$@"' - "$run_bundle" "$B" sh -c 'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj'
	expect_eq "$out" $'100\n3000\n-17'
}

test_limits_that_are_none() {
	make_bundle
	refused 'c["process"]["rlimits"] = [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]' "no limit 'RLIMIT_X'"
	refused 'c["process"]["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2' "'RLIMIT_CORE' is there twice"
	refused 'c["process"]["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]' "'RLIMIT_CORE' is softly above"
}

test_namespaces_that_contradict() {
	make_bundle
	refused 'c["linux"]["namespaces"].append({"type": "pid"})' "two pid namespaces"
	refused 'c["linux"]["namespaces"].append({"type": "x"})' "no namespace of type 'x'"
	refused 'c["linux"]["namespaces"].append({"type": "time", "path": "ns/time"})' "'ns/time', is not absolute"
	refused 'c["linux"]["namespaces"].append({"type": "time", "path": "/proc/self/ns/uts"})' "'/proc/self/ns/uts' is not a time namespace"
	refused 'c["linux"]["timeOffsets"] = {"boottime": {"secs": 1}}' "timeOffsets without a new time namespace"
	refused 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "uts"]; c["hostname"] = "h"' "no uts namespace"
	refused 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "user"]' "without a user namespace"
	refused '[n.update(path="/proc/self/ns/mnt") for n in c["linux"]["namespaces"] if n["type"] == "mount"]' "can't be joined: the root of all"
}

test_several_ranges_of_ids() {
	[ "$KIND" = root ] || skip "the ranges of others are what /etc/subuid says"
	make_bundle
	chmod -R a+rX "$T"
	edit 'for k in ("uidMappings", "gidMappings"):
    c["linux"][k] = [{"containerID": 0, "hostID": 0, "size": 1}, {"containerID": 1, "hostID": 200000, "size": 10}, {"containerID": 1000, "hostID": 300000, "size": 5}]
c["process"]["user"] = {"uid": 1001, "gid": 1, "additionalGids": [1004]}'
	expect_ok inside sh -c 'id -u; id -g; id -G; tr -s " " </proc/self/uid_map'
	expect_eq "$out" $'1001\n1\n1 1004\n 0 0 1\n 1 200000 10\n 1000 300000 5'
}

test_capabilities_that_are_none_are_said_and_left_out() {
	make_bundle
	edit 'c["process"]["capabilities"]["bounding"].append("CAP_TIME_TRAVEL")'
	expect_ok inside grep CapBnd /proc/self/status
	expect_match "$out" 00000000a80425fb
	expect_match "$err" "no capability 'CAP_TIME_TRAVEL'; it is left out"
}

test_annotations_and_what_nobody_knows() {
	make_bundle
	edit 'c["annotations"] = {"org.example": "kept"}; c["unheard-of"] = {"a": [1]}; c["process"]["unheardOf"] = 7; c["linux"]["unheard"] = None'
	expect_ok inside true
}

test_domain_name() {
	make_bundle
	edit 'c["domainname"] = "under.glass"'
	expect_ok inside cat /proc/sys/kernel/domainname
	expect_eq "$out" under.glass
}

notify_mkdir='c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "%s", "listenerMetadata": "for the agent",
"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}; c["annotations"] = {"k": "v"}'

test_calls_answered_by_an_agent() {
	make_bundle
	local nnp
	for nnp in False True; do
		edit "$(printf "$notify_mkdir" "$T/agent.$nnp"); c['process']['noNewPrivileges'] = $nnp"
		start python3 "$SRC/tests/lib/seccomp_agent.py" "$T/agent.$nnp" "$T/state"
		wait_for 10 test -S "$T/agent.$nnp"
		expect_fail any inside mkdir /x
		expect_match "$err" "Name not unique"
		expect_ok python3 - "$T/state" <<-'END'
			import json, sys
			s = json.load(open(sys.argv[1]))
			assert s["fds"] == ["seccompFd"] and s["metadata"] == "for the agent" and s["pid"] > 0, s
			t = s["state"]
			assert t["status"] == "creating" and t["pid"] == s["pid"] and t["id"] == "bundle" and t["annotations"] == {"k": "v"}, s
			assert t["bundle"].endswith("/bundle") and t["ociVersion"] == s["ociVersion"], s
		END
		rm "$T/state"
		finish
	done
}

test_seccomp_profiles_that_are_none() {
	make_bundle
	edit "$(printf "$notify_mkdir" "$T/agent")"
	refused 'pass' "connect to linux.seccomp.listenerPath '$T/agent': No such file"
	refused 'del c["linux"]["seccomp"]["listenerPath"]' "listenerMetadata without listenerPath"
	refused 'del c["linux"]["seccomp"]["listenerPath"], c["linux"]["seccomp"]["listenerMetadata"]' "SCMP_ACT_NOTIFY without listenerPath"
	refused 'c["linux"]["seccomp"]["defaultAction"] = "SCMP_ACT_NOTIFY"' "can't be the default action"
	refused 'c["linux"]["seccomp"]["syscalls"][0]["names"] = ["sendmsg"]' "SCMP_ACT_NOTIFY for sendmsg"
	refused 'c["linux"]["seccomp"]["syscalls"][0]["errnoRet"] = 7' "SCMP_ACT_NOTIFY takes no errnoRet"
	refused 'c["linux"]["seccomp"]["architectures"] = ["SCMP_ARCH_VAX"]' "no architecture 'SCMP_ARCH_VAX'"
	refused 'c["linux"]["seccomp"]["flags"] = ["F"]' "no flag 'F'"
	# Those of others are fine.
	edit 'c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"],
"architectures": ["SCMP_ARCH_" + a for a in "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB".split()],
"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 76}]}'
	expect_fail any inside mkdir /x
	expect_match "$err" "Name not unique"
}
