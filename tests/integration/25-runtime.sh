# The runtime layer alone: one container's process, as a bundle's config.json says.
# users: root nosubids subids
# needs: python3

. "$SRC/tests/lib/bundle.sh"

test_every_namespace_is_its_own() {
	make_bundle
	local name
	expect_ok inside sh -c 'for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	for name in user mnt pid net ipc uts cgroup; do
		expect_no_match "$out" "$(readlink "/proc/self/ns/$name" | tr -d '[]' | sed 's/:/:./')"
	done
	expect_eq "$(wc -l <<<"$out")" 7
	expect_ok inside sh -c 'echo $$'
	expect_eq "$out" 1
}

test_a_time_namespace_has_its_own_uptime() {
	make_bundle
	edit 'c["linux"]["namespaces"].append({"type": "time"}); c["linux"]["timeOffsets"] = {"boottime": {"secs": 864000}, "monotonic": {"secs": 864000}}'
	expect_ok inside cut -d. -f1 /proc/uptime
	[ "$out" -ge 864000 ] || fail "uptime $out"
}

test_root_can_do_without_a_user_namespace() {
	[ "$KIND" = root ] || skip "only root can"
	make_bundle
	edit 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "user"]
del c["linux"]["uidMappings"], c["linux"]["gidMappings"]
c["linux"]["devices"] = [{"path": "/dev/made", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 0, "gid": 0}]'
	edit 'for names in c["process"]["capabilities"].values(): "CAP_MKNOD" in names and names.remove("CAP_MKNOD")'
	expect_ok inside sh -c 'readlink /proc/self/ns/user; echo x >/dev/made; ls -l /dev/made; grep CapEff /proc/self/status; chmod 600 /dev/null || echo refused'
	expect_match "$out" "$(readlink /proc/self/ns/user | tr -d '[]' | sed 's/:/:./')"
	expect_match "$out" "crw-------.* 1, +3 .*/dev/made"
	expect_match "$out" "00000000a00425fb"
	expect_match "$out" "refused"
}

test_a_device_of_the_machine() {
	make_bundle
	edit 'c["linux"]["devices"] = [{"path": "/dev/tty0", "type": "c", "major": 4, "minor": 0}]'
	[ -c /dev/tty0 ] || skip "there is no /dev/tty0"
	expect_ok inside ls -l /dev/tty0
	expect_match "$out" " 4, +0 "
	edit 'c["linux"]["devices"] = [{"path": "/dev/deep/by-number", "type": "c", "major": 1, "minor": 5}]'
	expect_ok inside sh -c 'head -c 2 /dev/deep/by-number | od -An -tx1'
	expect_eq "$out" " 00 00"
	edit 'c["linux"]["devices"] = [{"path": "/dev/no-such-device", "type": "c", "major": 511, "minor": 77}]'
	expect_fail 125 inside true
	expect_match "$err" "device '/dev/no-such-device': this machine has no device c 511:77"
}

test_host_name() {
	make_bundle
	edit 'c["hostname"] = "bell"'
	expect_ok inside hostname
	expect_eq "$out" bell
	[ "$(hostname)" != bell ] || fail "the machine's name changed"
}

test_masked_and_read_only_paths() {
	make_bundle
	expect_ok inside sh -c 'cat /proc/keys /proc/timer_list /proc/kcore | wc -c; ls /sys/firmware | wc -l'
	expect_eq "$(tr '\n' ' ' <<<"$out")" "0 0 "
	expect_fail any inside sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
	expect_match "$err" "Read-only file system"
	expect_fail any inside sh -c 'echo h > /proc/sysrq-trigger'
	expect_fail any inside mkdir /sys/x
	expect_fail any inside chmod 777 /dev/null
	expect_ok inside sh -c 'echo x > /dev/null; head -c 3 /dev/zero | wc -c'
	expect_eq "$out" 3
}

test_capabilities_are_dockers() {
	make_bundle
	expect_ok inside grep Cap /proc/self/status
	expect_match "$out" $'CapInh:\t0000000000000000'
	expect_match "$out" $'CapPrm:\t00000000a80425fb'
	expect_match "$out" $'CapEff:\t00000000a80425fb'
	expect_match "$out" $'CapBnd:\t00000000a80425fb'
	expect_match "$out" $'CapAmb:\t0000000000000000'
}

test_ambient_capabilities_reach_an_ordinary_user() {
	[ "$KIND" != nosubids ] || skip "one id is mapped"
	make_bundle
	edit 'c["process"]["user"] = {"uid": 33, "gid": 34, "additionalGids": [5]}; c["process"]["capabilities"] = {k: ["CAP_NET_BIND_SERVICE"] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}'
	expect_ok inside sh -c 'id -u; id -g; id -G; grep CapEff /proc/self/status'
	expect_eq "$(tr '\n' ' ' <<<"$out")" "33 34 34 5 CapEff:	0000000000000400 "
}

test_an_unmapped_user_is_explained() {
	[ "$KIND" = nosubids ] || skip "ids are mapped"
	make_bundle
	edit 'c["process"]["user"] = {"uid": 33, "gid": 0}'
	expect_fail 125 inside true
	expect_match "$err" "take on the user: Invalid argument"
	expect_match "$err" "hint: that id is not mapped"
}

test_seccomp_and_no_new_privileges() {
	make_bundle
	expect_ok inside grep -E 'Seccomp:|NoNewPrivs' /proc/self/status
	expect_match "$out" $'NoNewPrivs:\t0'
	expect_match "$out" $'Seccomp:\t2'
	edit 'c["process"]["noNewPrivileges"] = True'
	expect_ok inside grep -E 'Seccomp:|NoNewPrivs' /proc/self/status
	expect_match "$out" $'NoNewPrivs:\t1'
	expect_match "$out" $'Seccomp:\t2'
	expect_fail any inside unshare -U true
	expect_match "$err" "Operation not permitted"
	edit 'del c["linux"]["seccomp"]'
	expect_ok inside grep Seccomp: /proc/self/status
	expect_match "$out" $'Seccomp:\t0'
}

test_exit_codes() {
	make_bundle
	expect_fail 7 inside sh -c 'exit 7'
	expect_fail 137 "$run_bundle" -i "$B" sh -c 'kill -9 $$'
	# pid 1 itself can't be killed from inside.
	expect_fail 8 inside sh -c 'kill -9 $$; exit 8'
}

test_programs_that_are_not_there() {
	make_bundle
	expect_fail 127 inside no-such-program
	expect_match "$err" "not found in the container's PATH"
	expect_fail 127 inside /no/such/program
	expect_fail 126 inside /etc
	expect_match "$err" "Permission denied"
	printf '#!/no/such/interpreter\n' >"$B/rootfs/script" && chmod 755 "$B/rootfs/script"
	expect_fail 127 inside /script
	expect_match "$err" "interpreter"
	printf 'neither\n' >"$B/rootfs/neither" && chmod 755 "$B/rootfs/neither"
	expect_fail 126 inside /neither
}

test_init_reaps_and_passes_signals_on() {
	make_bundle
	expect_fail 7 "$run_bundle" -i "$B" sh -c '(sleep 0.01 &) ; exit 7'
	expect_fail 143 "$run_bundle" -i "$B" sh -c 'kill -TERM $$; sleep 60'
	expect_fail 127 "$run_bundle" -i "$B" no-such-program
	expect_ok "$run_bundle" -i "$B" sh -c '[ $$ = 2 ] && tr "\0" " " </proc/1/cmdline'
	expect_match "$out" "^init "
	mkdir "$B/rootfs/v"
	start "$run_bundle" -i "$B" sh -c 'trap "exit 9" TERM; : >/v/ready; while :; do sleep 0.05; done'
	wait_for 10 test -e "$B/rootfs/v/ready"
	kill -TERM "$pid"
	finish
	expect_eq "$status" 9
}

test_signals_reach_pid_1() {
	make_bundle
	mkdir "$B/rootfs/v"
	start "$run_bundle" "$B" sh -c 'trap "exit 9" USR1; : >/v/ready; while :; do sleep 0.05; done'
	wait_for 10 test -e "$B/rootfs/v/ready"
	kill -USR1 "$pid"
	finish
	expect_eq "$status" 9
}

test_the_container_ends_with_its_caller() {
	make_bundle
	mkfifo "$B/rootfs/alive"
	start "$run_bundle" "$B" sh -c 'exec 3>/alive; sleep 1000'
	exec 4<"$B/rootfs/alive"
	kill -KILL "$pid"
	finish
	# The end of the file comes when nobody in the container has it open any more.
	timeout 10 cat <&4 || fail "the container outlives its caller"
}

test_our_executable_is_out_of_reach() {
	make_bundle
	local ours
	ours=$(sha256sum <"$run_bundle")
	printf '#!/proc/self/exe\n' >"$B/rootfs/attack" && chmod 755 "$B/rootfs/attack"
	# Both end in init, which wants other arguments, and lies in a sealed memory file.
	capture inside /proc/self/exe
	expect_no_match "$out$err" "run_bundle"
	capture inside /attack
	expect_no_match "$out$err" "run_bundle"
	expect_ok "$run_bundle" -i "$B" sh -c 'sha256sum </proc/1/exe; (echo x >>/proc/1/exe) 2>&1 || true'
	expect_no_match "$out" "${ours%% *}"
	expect_match "$out" "Operation not permitted|Permission denied|Text file busy"
	expect_eq "$(sha256sum <"$run_bundle")" "$ours"
}

test_no_descriptor_leaks() {
	make_bundle
	exec 7</etc/passwd 9</
	expect_ok inside ls /proc/self/fd
	exec 7<&- 9<&-
	# 3 is the folder that ls itself lists.
	expect_eq "$out" $'0\n1\n2\n3'
	expect_ok "$run_bundle" -i "$B" sh -c 'ls /proc/1/fd | tr "\n" " "'
	expect_eq "$out" "0 1 2 "
}

test_closed_standard_descriptors_are_null() {
	make_bundle
	expect_ok sh -c "exec '$run_bundle' '$B' readlink /proc/self/fd/0 <&-"
	expect_eq "$out" /dev/null
	expect_ok sh -c "'$run_bundle' '$B' sh -c 'x=\$(readlink /proc/1/fd/1); echo \$x >&2' 2>&1 >&-"
	expect_eq "$out" /dev/null
}

test_a_working_folder_does_not_lead_out() {
	make_bundle
	local fd
	exec 9</
	for fd in 3 4 5 6 7 8 9 10 11 12; do
		edit "c['process']['cwd'] = '/proc/self/fd/$fd'"
		expect_fail 125 inside cat etc/passwd
		expect_match "$err" "working folder '/proc/self/fd/$fd'"
		ln -sfn "/proc/self/fd/$fd" "$B/rootfs/cwd"
		edit "c['process']['cwd'] = '/cwd'"
		expect_fail 125 inside cat etc/passwd
	done
}

test_mounts_stay_inside() {
	make_bundle
	mkdir "$T/outside" "$B/rootfs/deep"
	ln -s "$T/outside" "$B/rootfs/abs"
	ln -s ../../../../../../../../../..//"$T/outside" "$B/rootfs/rel"
	echo secret >"$T/volume"
	add_mount /abs/folder/file bind "$T/volume" rbind
	add_mount /rel/tmp tmpfs tmpfs
	add_mount /deep/../../../../new bind "$T/volume" rbind
	expect_ok inside sh -c "cat /abs/folder/file /new; mount | grep -c ' on $T/outside/tmp '"
	expect_eq "$(tr '\n' ' ' <<<"$out")" "secret secret 1 "
	expect_eq "$(ls "$T/outside")" ""
	expect_file "$B/rootfs$T/outside/folder/file"
}

test_volumes() {
	make_bundle
	mkdir "$T/rw" "$T/ro"
	echo file >"$T/ro/file"
	add_mount /rw bind "$T/rw" rbind rw
	add_mount /ro bind "$T/ro" rbind ro nosuid noexec
	add_mount /tmpfs tmpfs tmpfs size=64k mode=1777
	expect_ok inside sh -c 'echo new >/rw/new; cat /ro/file; df -k /tmpfs | tail -1 | tr -s " " | cut -d" " -f2; mount | grep " on /ro "'
	expect_match "$out" $'file\n64\n.*\(ro,nosuid,noexec'
	expect_eq "$(cat "$T/rw/new")" new
	expect_fail any inside touch /ro/x
	expect_match "$err" "Read-only file system"
	add_mount /none bind "$T/none" rbind
	expect_fail 125 inside true
	expect_match "$err" "find the volume '$T/none': No such file"
}

test_a_read_only_root() {
	make_bundle
	edit 'c["root"]["readonly"] = True'
	add_mount /scratch tmpfs tmpfs
	expect_fail any inside touch /x
	expect_match "$err" "Read-only file system"
	expect_ok inside touch /scratch/x /dev/shm/x
}

test_working_folder_user_mask_and_environment() {
	make_bundle
	edit 'c["process"]["cwd"] = "/made/here"; c["process"]["env"] += ["A=b c", "EMPTY="]; c["process"]["user"]["umask"] = 0o077'
	expect_ok inside sh -c 'pwd; umask; echo "$A$EMPTY"'
	expect_eq "$out" $'/made/here\n0077\nb c'
}

test_limits() {
	make_bundle
	edit 'c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]'
	expect_ok inside sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
	expect_eq "$out" $'100\n200\n0'
	edit 'c["process"]["rlimits"] = [{"type": "RLIMIT_NICE", "soft": 40, "hard": 40}]'
	if [ "$KIND" != root ]; then
		expect_fail 125 inside true
		expect_match "$err" "set the limit 'RLIMIT_NICE': Operation not permitted"
	fi
}

test_settings_of_the_kernel() {
	make_bundle
	edit 'c["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80"}'
	expect_ok inside cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	expect_eq "$out" 80
	edit 'c["linux"]["sysctl"] = {"vm.swappiness": "1"}'
	expect_fail 125 inside true
	expect_match "$err" "vm.swappiness' belongs to no namespace"
}

test_loopback_is_up() {
	make_bundle
	expect_ok inside sh -c 'cat /sys/class/net/lo/operstate; ip -o addr show lo'
	expect_match "$out" "127.0.0.1/8"
}

test_the_machines_network() {
	make_bundle
	edit 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "network"]'
	expect_ok inside sh -c 'readlink /proc/self/ns/net; ls /sys/class/net'
	expect_match "$out" "$(readlink /proc/self/ns/net | tr -d '[]' | sed 's/:/:./')"
	expect_fail any inside mkdir /sys/fs/cgroup/x
}

test_a_terminal() {
	make_bundle
	expect_ok "$run_bundle" -T "$B" sh -c 'tty; [ -c /dev/console ] && echo console; ls /dev/pts | tr "\n" " "'
	expect_eq "$(tr -d '\r' <<<"$out" | tr '\n' ' ')" "/dev/pts/0 console 0 ptmx  "
	expect_fail 5 "$run_bundle" -T "$B" sh -c 'exit 5'
}

# on_terminal STEP... -- COMMAND...: see the program.
on_terminal() {
	python3 "$SRC/tests/lib/on_terminal.py" 33 77 "$@"
}

test_a_terminal_follows_ours() {
	make_bundle
	expect_fail 4 on_terminal expect:ready 'type:hello\r' 'expect:got hello' size:21x43 'expect:size 21 43' 'type:\x03' \
		'expect:interrupted' -- "$run_bundle" -T "$B" sh -c 'stty size; trap "echo size \$(stty size)" WINCH; trap "echo interrupted; exit 4" INT
		echo ready; read x; echo got $x; while :; do sleep 0.05; done'
	expect_match "$out" "33 77"
	expect_no_match "$out" "mode changed"
}

test_a_terminal_is_restored_after_signals() {
	make_bundle
	expect_fail 143 on_terminal expect:ready signal:SIGTERM -- "$run_bundle" -i -T "$B" sh -c 'echo ready; sleep 100'
	expect_no_match "$out" "mode changed"
}

test_job_control_works_on_a_terminal() {
	make_bundle
	expect_fail 6 on_terminal 'expect:# ' 'type:sh -c "echo beg\"\"un; exec sleep 100"\r' expect:begun 'type:\x1a' 'expect:Stopped' 'type:exit 6\r' 'expect:stopped jobs' 'type:exit 6\r' \
		-- "$run_bundle" -T "$B" sh -i
	expect_no_match "$out" "job control turned off"
}

test_large_output_of_a_terminal_is_whole() {
	make_bundle
	expect_ok "$run_bundle" -T "$B" sh -c 'seq 1 50000'
	expect_eq "$(tr -d '\r' <<<"$out" | cksum)" "$(seq 1 50000 | cksum)"
}

test_what_is_not_supported_is_refused() {
	make_bundle
	edit 'c["hooks"] = {"poststop": [{"path": "/bin/true"}]}'
	expect_fail 125 inside true
	expect_match "$err" "hooks"
	edit 'del c["hooks"]; c["linux"]["resources"] = {"rdma": {"mlx": {}}}'
	expect_fail 125 inside true
	expect_match "$err" "linux.resources: rdma 'mlx': neither hcaHandles nor hcaObjects"
	edit 'c["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}'
	expect_ok inside true
	edit 'c["mounts"].append({"destination": "/v", "type": "bind", "source": "/tmp", "options": ["rbind", "sparkle"]})'
	expect_fail 125 inside true
	expect_match "$err" "no option 'sparkle'"
}

test_overlay() {
	make_bundle
	local lowers=$B/rootfs i
	mkdir "$B/merged" "$B/upper" "$B/work"
	for i in $(seq 1 60); do
		mkdir -p "$T/layers/a layer, with: every\\thing/$i"
		echo "$i" >"$T/layers/a layer, with: every\\thing/$i/top"
	done
	edit 'c["root"]["path"] = "merged"'
	ln -s "$T/layers/a layer, with: every\\thing" "$T/l"
	for i in $(seq 1 60); do
		lowers=$T/l/$i:$lowers
	done
	expect_ok "$run_bundle" -o "$lowers,$B/upper,$B/work" "$B" sh -c 'cat /top; echo written >/new; mount | grep -c " / type overlay"'
	expect_eq "$out" $'60\n1'
	expect_eq "$(cat "$B/upper/new")" written
	expect_eq "$(ls "$B/merged")" ""
	chmod 700 "$B/work/work/incompat" 2>/dev/null || :
}

test_overlay_on_overlay_is_told_apart() {
	make_bundle
	mkdir -p "$T/l" "$T/u" "$T/w" "$T/m" "$B/merged"
	expect_fail 125 in_own_mounts sh -c "mount -t overlay overlay -o 'lowerdir=$T/l,upperdir=$T/u,workdir=$T/w,userxattr' '$T/m' && mkdir '$T/m/u' '$T/m/w' &&
		exec '$run_bundle' -d -o '$B/rootfs,$T/m/u,$T/m/w' '$B' true"
	expect_match "$err" "mount the overlay '$B/merged': overlay: .*not supported as upperdir: Invalid argument"
}

test_a_masked_proc_is_explained() {
	make_bundle
	expect_fail 125 in_own_mounts sh -c "mount --bind /dev/null /proc/interrupts && CLOCHE_IDS=single '$run_bundle' -d -s '$B' &&
		sed -i 's/\"merged\"/\"rootfs\"/' '$B/config.json' && exec '$run_bundle' '$B' true"
	expect_match "$err" "mount a new /proc '/proc': Operation not permitted"
	expect_match "$err" "hint: .*procMount: Unmasked"
	# Without a pid namespace the one that is there serves.
	edit 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "pid"]'
	expect_ok in_own_mounts sh -c "mount --bind /dev/null /proc/interrupts && exec '$run_bundle' '$B' readlink /proc/self/exe"
}

test_refused_user_namespaces_are_explained() {
	make_bundle
	expect_fail 125 unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces && exec '$run_bundle' '$B' true"
	expect_match "$err" "make a user namespace: "
	expect_match "$err" "hint: none may be made here.*user.max_user_namespaces"
}

test_steps_are_told() {
	make_bundle
	expect_ok "$run_bundle" -t "$B" true
	expect_match "$err" "make the namespaces +clone3\("
	expect_match "$err" "mount /proc +mount\("
	expect_match "$err" "pivot_root / +pivot_root\("
	expect_match "$err" "execute true"
}

test_create_and_start_apart() {
	make_bundle
	expect_fail 3 "$run_bundle" -w "$B" sh -c 'exit 3'
	expect_fail 127 "$run_bundle" -w "$B" no-such-program
}

test_other_runtimes_run_our_configuration() {
	need crun
	make_bundle
	[ "$KIND" = root ] || skip "crun's root folder wants a session"
	[ ! -d /sys/fs/cgroup/unified ] || skip "crun refuses hybrid control groups"
	mkdir "$T/crun"
	expect_fail 7 sh -c "cd '$B' && python3 -c 'import json; c = json.load(open(\"config.json\")); c[\"ociVersion\"] = \"1.0.2\"; c[\"process\"][\"args\"] = [\"sh\", \"-c\", \"exit 7\"]; json.dump(c, open(\"config.json\", \"w\"))' && crun --root '$T/crun' --cgroup-manager=disabled run cloche-test-$$"
}

test_configurations_of_others_run() {
	need crun
	make_bundle
	rm "$B/config.json"
	(cd "$B" && crun spec --rootless)
	edit 'c["process"]["terminal"] = False; c["linux"]["uidMappings"] = [{"containerID": 0, "hostID": '"$(id -u)"', "size": 1}]; c["linux"]["gidMappings"] = [{"containerID": 0, "hostID": '"$(id -g)"', "size": 1}]'
	expect_ok inside id -u
	expect_eq "$out" 0
}

# Starts a bundle that stays; $first is its pid 1 as we see it.
start_first() {
	local started_by
	start "$run_bundle" "$B" sh -c 'echo shared >/dev/shm/word; echo up >/up; exec sleep 1000'
	started_by=$pid
	wait_for 10 test -e "$B/rootfs/up"
	first=$(pgrep -P "$started_by")
}

# The namespaces of these types are those of $first.
join() {
	edit "
for n in c['linux']['namespaces']:
    if n['type'] in '$*'.split():
        n['path'] = '/proc/$first/ns/' + {'network': 'net'}.get(n['type'], n['type'])
if 'user' in '$*'.split():
    c['linux'].pop('uidMappings'); c['linux'].pop('gidMappings')
"
}

test_namespaces_of_another_are_joined() {
	local first name
	make_bundle
	start_first
	join user pid network ipc uts cgroup
	edit 'c.pop("hostname", None)'
	add_mount /dev/shm bind "/proc/$first/root/dev/shm" rbind
	expect_ok inside sh -c 'for n in user pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	for name in user pid net ipc uts cgroup; do
		expect_match "$out" "$(readlink "/proc/$first/ns/$name" | tr -d '[]' | sed 's/:/:./')"
	done
	expect_ok inside sh -c 'cat /proc/1/cmdline /dev/shm/word; echo; echo $$; readlink /proc/self/ns/mnt; grep NoNewPrivs /proc/self/status'
	expect_match "$out" "sleep1000shared"
	expect_no_match "$out" "$(readlink "/proc/$first/ns/mnt" | tr -d '[]' | sed 's/:/:./')"
	expect_fail 3 inside sh -c 'exit 3'
}

test_a_namespace_without_its_owner_is_refused() {
	local first
	make_bundle
	start_first
	[ "$KIND" != root ] || skip "root may join all"
	join ipc
	expect_fail 125 inside true
	expect_match "$err" "join the namespace '/proc/$first/ns/ipc': Operation not permitted"
	expect_match "$err" "hint: only root, and who owns the user namespace"
	join user
	edit 'c["mounts"].append({"destination": "/x", "type": "bind", "source": "/proc/'"$first"'/root/none", "options": ["bind"]})'
	expect_fail 125 inside true
	expect_match "$err" "take the mount of '/proc/$first/root/none': No such file"
}
