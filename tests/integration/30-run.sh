# `cloche run`: docker's meaning of the flags, exit codes, and what stays afterwards.

run() {
	cloche run --rm --network none "$@"
}

test_exit_codes_are_dockers() {
	use_busybox
	expect_fail 7 run busybox sh -c 'exit 7'
	expect_eq "$out$err" ""
	expect_fail 127 run busybox nosuch
	expect_match "$err" "'nosuch': executable file not found"
	expect_fail 126 run busybox /etc
	expect_fail 125 run nosuchimage
	expect_match "$err" "there is no image 'nosuchimage', and it can't be pulled: .*
  hint: "
	expect_fail 125 run --nosuch busybox
	expect_fail 143 run --init busybox sh -c 'kill -TERM $$'
	expect_fail 137 run busybox sh -c 'sh -c "kill -KILL \$PPID" & wait; kill -9 1; exit 137'
}

test_program_environment_and_folder() {
	use_busybox
	expect_ok env HOME=/x FROM_OUTSIDE=yes cloche run --rm --network none -e A=1 -e FROM_OUTSIDE -e UNSET_OUTSIDE busybox env
	expect_match "$out" '(^|
)A=1'
	expect_match "$out" 'FROM_OUTSIDE=yes'
	expect_match "$out" 'HOME=/root'
	expect_no_match "$out" 'UNSET_OUTSIDE'
	printf '# comment\nB=two words\n' >env
	expect_ok run --env-file env busybox sh -c 'echo "$B"'
	expect_eq "$out" "two words"
	expect_ok run -w /made/for/it busybox pwd
	expect_eq "$out" /made/for/it
	expect_ok run --entrypoint echo busybox one two
	expect_eq "$out" "one two"
	expect_ok run -h name --domainname dom.ain busybox sh -c 'hostname; cat /etc/hostname; grep name /etc/hosts'
	expect_match "$out" 'name.dom.ain name'
}

test_users_come_from_the_image() {
	use_busybox
	expect_ok run busybox id -u
	expect_eq "$out" 0
	expect_ok run -u 12:34 --group-add 56 busybox id
	expect_match "$out" '^uid=12[^ ]* gid=34[^ ]* groups=.*56'
	expect_fail 125 run -u nobodyhere busybox id
	expect_match "$err" "'nobodyhere': the image's /etc/passwd does not have it"
}

test_input_is_passed_on_only_with_i() {
	use_busybox
	expect_eq "$(echo hello | cloche run --rm --network none -i busybox cat)" hello
	expect_eq "$(echo hello | cloche run --rm --network none busybox cat)" ""
	expect_fail 1 cloche run --rm -it busybox true
	expect_match "$err" "not a TTY"
}

test_mounts() {
	use_busybox
	mkdir dir
	echo here >dir/file
	expect_ok run -v "$T/dir:/d" busybox sh -c 'cat /d/file; echo new >/d/made'
	expect_eq "$out" here
	expect_eq "$(cat dir/made)" new
	expect_fail any run -v "$T/dir:/d:ro" busybox touch /d/x
	expect_match "$err" "Read-only file system"
	expect_ok run -v ./dir/file:/etc/motd:ro busybox cat /etc/motd
	expect_eq "$out" here
	expect_ok run -v "$T/not-yet:/d" busybox true
	expect_file not-yet
	expect_fail 125 run --mount "type=bind,source=$T/nowhere,target=/d" busybox true
	expect_match "$err" "bind source path does not exist"
	expect_ok run --tmpfs /t:size=1m busybox sh -c 'grep " /t " /proc/mounts'
	expect_match "$out" 'tmpfs.*noexec.*size=1024k'
	expect_fail 125 run -v 'a b:/d' busybox true
	expect_match "$err" "neither a path nor a name for a volume"
	expect_ok run --shm-size 1m busybox sh -c 'grep /dev/shm /proc/mounts'
	expect_match "$out" "size=1024k"
	expect_fail any run --read-only busybox touch /x
	expect_match "$err" "Read-only file system"
}

test_names_of_hosts() {
	use_busybox
	expect_ok run --add-host db:10.1.2.3 --add-host six:::1 busybox cat /etc/hosts
	expect_match "$out" "10.1.2.3	db"
	expect_match "$out" "::1	six"
	expect_ok run --dns 9.9.9.9 --dns-search example.org busybox cat /etc/resolv.conf
	expect_match "$out" "nameserver 9.9.9.9"
	expect_match "$out" "search example.org"
	expect_fail 125 run --add-host me:host-gateway busybox true
	expect_ok cloche run --rm --network host --add-host me:host-gateway busybox cat /etc/hosts
	expect_match "$out" "127.0.0.1	me"
}

test_network_none_has_only_its_loopback() {
	use_busybox
	expect_ok run busybox sh -c 'ls /sys/class/net'
	expect_eq "$out" lo
	expect_eq "$err" ""
}

test_flags_of_later_are_refused_by_name() {
	use_busybox
	local flag
	for flag in "--link web" "--network-alias a" "--gpus all"; do
		# shellcheck disable=SC2086
		expect_fail 125 run $flag busybox true
		expect_match "$err" "known and not there yet"
	done
}

test_rights_are_few() {
	use_busybox
	expect_ok run busybox grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
	expect_match "$out" "CapEff:	00000000a80425fb"
	expect_match "$out" "Seccomp:	2"
	expect_ok run --cap-drop ALL --cap-add chown --security-opt no-new-privileges busybox grep -E 'CapEff|NoNew' /proc/self/status
	expect_match "$out" "CapEff:	0000000000000001"
	expect_match "$out" "NoNewPrivs:	1"
	expect_fail any run busybox mount -t tmpfs none /tmp
	expect_ok run --privileged busybox mount -t tmpfs none /tmp
	expect_fail any run busybox sh -c 'echo 1 >/proc/sys/kernel/hostname'
	expect_fail 125 run --cap-add NOSUCH busybox true
	expect_fail 125 run --security-opt nosuch=1 busybox true
	expect_fail 125 run --security-opt apparmor=mine busybox true
}

test_limits_and_kernel_settings() {
	use_busybox
	expect_ok run --ulimit nofile=100:200 busybox sh -c 'ulimit -Sn; ulimit -Hn'
	expect_eq "$out" "100
200"
	expect_ok run --sysctl net.ipv4.ip_unprivileged_port_start=0 busybox cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	expect_eq "$out" 0
	expect_fail 125 run --sysctl vm.swappiness=1 busybox true
	expect_fail 125 cloche run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true
}

test_namespaces_can_be_the_hosts() {
	use_busybox
	local ns flag
	for ns in pid ipc uts; do
		expect_ok run "--$ns" host busybox readlink "/proc/self/ns/$ns"
		expect_eq "$out" "$(readlink "/proc/self/ns/$ns")" "--$ns host"
		expect_ok run busybox readlink "/proc/self/ns/$ns"
		[ "$out" != "$(readlink "/proc/self/ns/$ns")" ] || fail "$ns is the host's"
	done
	expect_ok run --cgroupns host busybox readlink /proc/self/ns/cgroup
	expect_eq "$out" "$(readlink /proc/self/ns/cgroup)"
	expect_ok run --time private busybox readlink /proc/self/ns/time
	[ "$out" != "$(readlink /proc/self/ns/time)" ] || fail "time is the host's"
}

test_init_reaps_and_is_pid_1() {
	use_busybox
	expect_ok run --init busybox sh -c 'echo $$'
	[ "$out" != 1 ] || fail "the program is pid 1"
	expect_ok run busybox sh -c 'echo $$'
	expect_eq "$out" 1
}

test_a_stopped_container_stays() {
	use_busybox
	expect_fail 3 cloche run --network none --name web --cidfile id busybox sh -c 'echo x >/made; rm /bin/ls; exit 3'
	expect_ok cloche ps -aq --no-trunc
	expect_eq "$out" "$(cat id)"
	expect_ok cloche ps
	expect_no_match "$out" web
	expect_ok cloche ps -a --filter exited=3 --format '{{.Names}} {{.State}}'
	expect_eq "$out" "web exited"
	expect_fail 125 cloche run --network none --name web busybox true
	expect_match "$err" "web.*is taken"
	expect_fail 125 cloche run --network none --cidfile id busybox true
	expect_ok cloche rm web
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	expect_fail any cloche rm web
	expect_ok cloche rm -f web
}

test_rm_leaves_nothing() {
	use_busybox
	expect_ok run busybox sh -c 'mkdir -m 0 /closed; echo x >/made; chown 5:5 /made'
	wait_for 5 sh -c "[ -z \"\$(ls '$T/root/containers' | grep -v by-name)\$(ls '$T/root/trash')\" ]"
	wait_for 5 sh -c "[ -z \"\$(ls '$T/runroot/containers')\$(ls '$T/runroot/files')\" ]"
}

test_devices_and_userns() {
	use_busybox
	expect_ok run --device /dev/null:/dev/mine busybox sh -c '[ -c /dev/mine ] && echo x >/dev/mine && echo works'
	expect_eq "$out" works
	expect_fail 125 run --device /dev/null:/dev/mine:r busybox true
	expect_fail 125 run --device /etc/passwd busybox true
	if [ "$KIND" = root ]; then
		expect_ok run --userns host busybox readlink /proc/self/ns/user
		expect_eq "$out" "$(readlink /proc/self/ns/user)"
	else
		expect_ok run --userns host busybox id -u
		expect_eq "$out" 0
	fi
}

test_levels_of_emulated_ids() {
	[ "$KIND" = nosubids ] || skip "nothing is emulated"
	use_busybox
	expect_ok run busybox sh -c 'touch /x && chown 5:6 /x && stat -c %u:%g /x'
	expect_eq "$out" 5:6
	expect_ok run --ids-level 1 busybox sh -c 'touch /x && chown 5:6 /x && stat -c %u:%g /x'
	expect_eq "$out" 0:0
	expect_fail any run --ids-level 0 busybox sh -c 'touch /x && chown 5:6 /x'
	expect_fail 125 run --ids-level 4 busybox true
}

test_privileged_has_all_but_the_machine() {
	use_busybox
	expect_ok run --privileged busybox sh -c 'grep Seccomp: /proc/self/status; ls /proc/acpi >/dev/null; [ -w /proc/sys/kernel/hostname ] && echo writable'
	expect_match "$out" "Seccomp:	[02]"
	expect_match "$out" "writable"
}

test_platform_and_pull() {
	use_busybox
	expect_fail 125 run --platform linux/s390x busybox true
	expect_match "$err" "the image is for linux/"
	expect_fail 125 run --pull sometimes busybox true
	expect_match "$err" "--pull takes missing, never or always"
	expect_fail 125 run --pull never nothing true
	expect_match "$err" "there is no image 'nothing'"
	expect_ok run --pull never busybox true
}

test_closed_descriptors_give_nothing_away() {
	use_busybox
	expect_ok sh -c 'cloche run --rm --network none -i busybox sh -c "readlink /proc/self/fd/0" <&-'
	expect_eq "$out" /dev/null
	expect_ok sh -c 'cloche run --rm --network none busybox sh -c "x=\$(readlink /proc/1/fd/1); echo \$x >&2" >&-'
	expect_match "$err" "/dev/null"
	exec 9<"$SRC"
	expect_ok run busybox sh -c 'ls /proc/self/fd | wc -l'
	exec 9<&-
	expect_eq "$out" 4
}
