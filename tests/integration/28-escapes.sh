# Known ways out of containers, each tried: docs/SECURITY.md has the list.
# users: root nosubids subids
# needs: python3

. "$SRC/tests/lib/bundle.sh"

probe=$(dirname "$CLOCHE")/tests/probe_call

make_bundle_with_probe() {
	[ -x "$probe" ] || skip "no probe for this architecture"
	make_bundle
	cp "$probe" "$B/rootfs/bin/probe_call"
}

# CVE-2019-16884, CVE-2019-19921: an image or a volume has a /proc of its own.
test_a_made_up_proc_is_not_written_to() {
	make_bundle
	mkdir -p "$T/proc/self/attr" "$T/proc/thread-self/attr" "$T/proc/sys/net/ipv4" "$T/proc/1"
	touch "$T/proc/self/attr/exec" "$T/proc/thread-self/attr/exec" "$T/proc/self/"{oom_score_adj,setgroups,uid_map} "$T/proc/sys/net/ipv4/ip_unprivileged_port_start"
	edit 'c["mounts"] = [m for m in c["mounts"] if m["destination"] != "/proc"]; c["process"]["oomScoreAdj"] = 500'
	add_mount /proc bind "$T/proc" rbind
	expect_ok inside true
	edit 'c["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80"}'
	expect_fail 125 inside true
	expect_match "$err" "open the kernel's setting 'net.ipv4.ip_unprivileged_port_start'"
	[ -z "$(find "$T/proc" -type f -size +0)" ] || fail "something was written to it"
	# /proc as a link, to where the image pleases.
	edit 'c["mounts"].pop()'
	rm -rf "$B/rootfs/proc" && mkdir "$B/rootfs/elsewhere" && ln -s /elsewhere "$B/rootfs/proc"
	expect_fail 125 inside true
	expect_match "$err" "open the kernel's setting"
}

# CVE-2025-52881: a part of /proc is covered, so that what is written there goes elsewhere.
test_a_covered_setting_is_not_written_to() {
	make_bundle
	edit 'c["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80"}'
	add_mount /proc/sys/net/ipv4 tmpfs tmpfs
	expect_fail 125 inside true
	expect_match "$err" "open the kernel's setting 'net.ipv4.ip_unprivileged_port_start'"
}

# CVE-2025-31133: what masks a file is the container's /dev/null, and that is a link.
test_masks_are_the_machines_null() {
	make_bundle
	mkdir "$T/dev"
	ln -s /proc/sys/kernel/core_pattern "$T/dev/null"
	add_mount /dev bind "$T/dev" rbind
	expect_ok inside sh -c 'stat -c "%t:%T" /proc/timer_list; wc -c </proc/timer_list'
	expect_eq "$out" $'1:3\n0'
}

# CVE-2025-52565: /dev/console and /dev/pts/N are links to where nothing should be mounted.
test_the_console_covers_nothing_outside() {
	make_bundle
	mkdir "$T/outside" && echo mine >"$T/outside/file"
	mkdir -p "$B/rootfs/dev" && ln -s "$T/outside/file" "$B/rootfs/dev/console"
	expect_ok "$run_bundle" -T "$B" sh -c '[ -c /dev/console ] && echo console'
	expect_match "$out" console
	expect_eq "$(cat "$T/outside/file")" mine
}

# CVE-2021-30465: a folder of a volume becomes a link, and is one no more, while something is mounted in it.
test_links_exchanged_while_mounting() {
	make_bundle
	mkdir -p "$T/v/dir" "$T/src" "$T/outside"
	echo text >"$T/src/file"
	ln -s "../../../../../../../../../../../../../../..$T/outside" "$T/v/link"
	add_mount /v bind "$T/v" rbind
	add_mount /v/dir/x bind "$T/src" rbind
	start python3 - "$T/v/dir" "$T/v/link" "$T/stop" <<-'END'
		import ctypes, os, sys
		libc, a, b = ctypes.CDLL(None), sys.argv[1].encode(), sys.argv[2].encode()
		while not os.path.exists(sys.argv[3]):
		    libc.renameat2(-100, a, -100, b, 2)
	END
	local swapper=$pid i
	for i in $(seq 15); do
		capture inside sh -c 'cat /v/dir/x/file /v/link/x/file 2>/dev/null; mount | grep -c /x'
		[[ $status = 0 || $status = 1 || $status = 125 ]] || fail "ended with $status: $err"
	done
	: >"$T/stop"
	finish "$swapper"
	expect_eq "$(ls "$T/outside")" ""
}

# CVE-2022-29162 and its like: nothing inheritable, nothing ambient, neither for pid 1 nor for who joins.
test_no_capability_is_inheritable() {
	use_busybox
	expect_ok cloche run -d --name box --network none busybox sleep 1000
	expect_ok cloche exec box grep -E 'Cap(Inh|Amb)' /proc/self/status /proc/1/status
	expect_eq "$(grep -c 0000000000000000 <<<"$out")" 4
	expect_ok cloche exec -u 1:1 box grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status
	[ "$KIND" = nosubids ] || expect_eq "$(grep -c 0000000000000000 <<<"$out")" 4
	expect_ok cloche rm -f box
}

# Without a user namespace: a node of the machine's disk can be made, and is of no use.
test_devices_that_nobody_allowed() {
	[ "$KIND" = root ] || skip "only root can do without a user namespace"
	make_bundle
	edit 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "user"]; c["linux"].pop("uidMappings"); c["linux"].pop("gidMappings")
c["linux"]["devices"] = [{"path": "/dev/zero2", "type": "c", "major": 1, "minor": 5}]'
	capture inside true
	[ "$status" = 0 ] || skip "no rules for devices here: $err"
	local disk
	disk=$(stat -c '%Hr %Lr' "$(findmnt -no SOURCE /)" 2>/dev/null) || disk="8 0"
	expect_ok inside sh -c "mknod /disk b $disk && mknod /mem c 1 1; for d in /disk /mem; do head -c 1 \$d; (: >\$d); done; head -c 2 /dev/zero2 | wc -c; echo x >/dev/null"
	expect_eq "$(grep -c 'Operation not permitted' <<<"$err")" 4
	expect_eq "$out" 2
}

# Dropping a group could give access that the group is denied: with one id mapped the kernel forbids it, and that stays so.
test_setgroups_stays_denied() {
	[ "$KIND" = nosubids ] || skip "only where one id is mapped"
	make_bundle
	expect_ok inside cat /proc/self/setgroups
	expect_eq "$out" deny
	expect_fail any inside sh -c 'echo allow >/proc/self/setgroups'
	expect_match "$err" "Operation not permitted|Permission denied|Read-only"
}

# Numbers of the calls: mount, unshare, keyctl, ioctl, io_uring_setup, bpf, open_by_handle_at.
test_other_doors_to_the_kernel_are_as_narrow() {
	make_bundle_with_probe
	local call old=()
	# Where the kernel has that door at all.
	if [ "$("$probe" 32 20)" -gt 0 ] 2>/dev/null; then
		old=("32 21 @ @ @ 0 0" "32 310 0x10000000" "32 288 0 -3 0" "32 425 8 @" "32 357 0 @ 8" "32 342 0 @ 0")
	fi
	for call in "165 @ @ @ 0 0" "272 0x10000000" "250 0 -3 0" "425 8 @" "321 0 @ 8" "304 0 @ 0" "${old[@]}"; do
		expect_ok inside probe_call $call
		expect_match "$out" '^-(1|38)$'
	done
	# TIOCSTI, also with what the kernel ignores in the upper half.
	for call in "16 0 0x5412 @" "16 0 0x100005412 @" ${old:+"32 54 0 0x5412 @"}; do
		expect_ok inside probe_call $call
		expect_eq "$out" -5
	done
	# x32 is no architecture of the profile's.
	expect_fail 159 inside probe_call x32 39
}

test_keys_of_the_session_are_out_of_reach() {
	make_bundle_with_probe
	expect_ok inside probe_call 250 0 -3 0
	expect_eq "$out" -1
	# Without a profile the session is another.
	edit 'del c["linux"]["seccomp"]'
	expect_ok "$probe" 250 0 -3 1
	local ours=$out
	expect_ok inside probe_call 250 0 -3 0
	[ "$out" != "$ours" ] && [ "$out" -gt 0 ] || fail "the keyring is $out, ours is $ours"
}

test_core_patterns_and_release_agents() {
	make_bundle
	local f
	for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/fs/binfmt_misc/register /proc/sysrq-trigger /sys/kernel/uevent_helper; do
		expect_fail any inside sh -c "echo '|/evil' >$f"
		expect_match "$err" "Read-only file system|Permission denied|[Nn]o such file|nonexistent directory"
	done
	expect_fail any inside mount -o remount,rw /proc/sys
	expect_fail any inside umount /proc/sys
	expect_fail any inside mount -t cgroup -o memory none /tmp
	expect_ok inside sh -c 'find /sys/fs/cgroup -name release_agent 2>/dev/null'
	expect_eq "$out" ""
	expect_fail any inside mkdir /sys/fs/cgroup/x
}
