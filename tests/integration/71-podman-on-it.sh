# podman with cloche-oci as its runtime.
# users: root subids
# needs: podman
# timeout: 120

ulimits=(--network none --ulimit nofile=1000:1000 --ulimit nproc=1000:1000)

pod() {
	mkdir -p -m 700 "$T/xdg"
	XDG_RUNTIME_DIR=$T/xdg podman --root "$T/podman" --runroot "$T/podman-run" --cgroup-manager=cgroupfs \
		--events-backend=none --runtime "${CLOCHE%/*}/cloche-oci" "$@"
}

# podman leaves a process that holds its user namespace; it ends with the test.
end_podman() {
	pod rm -f -a -t 0 >/dev/null 2>&1 || :
	local file=$T/xdg/libpod/tmp/pause.pid
	[ ! -s "$file" ] || kill -KILL "$(cat "$file")" || :
}

prepare() {
	trap 'end_podman; end_started' EXIT
	pod import "$FIXTURES/busybox.tar" localhost/box >"$T/pod.out" 2>&1 || skip "podman: $(tail -1 "$T/pod.out")"
	# What podman can't do here with its own runtimes either is no matter of ours.
	XDG_RUNTIME_DIR=$T/xdg pod --runtime crun info >/dev/null 2>&1 || skip "podman doesn't work here"
}

test_run_exec_logs_stop_rm() {
	prepare
	expect_fail 3 pod run --rm "${ulimits[@]}" localhost/box sh -c 'echo hello; exit 3'
	expect_eq "$out" hello
	expect_fail 127 pod run --rm "${ulimits[@]}" localhost/box nothing-of-the-kind
	expect_ok pod run -d --name w "${ulimits[@]}" localhost/box sh -c 'echo began; trap "exit 0" TERM; while :; do read -t 1 x </dev/zero; done'
	wait_for 10 eval 'pod logs w | grep -q began'
	expect_fail 5 pod exec w sh -c 'echo inside; exit 5'
	expect_eq "$out" inside
	expect_ok pod run --rm -t "${ulimits[@]}" localhost/box tty
	expect_match "$out" /dev/pts/0
	if [ "$KIND" = root ]; then
		expect_ok pod pause w
		expect_eq "$(pod inspect -f '{{.State.Status}}' w)" paused
		expect_ok pod unpause w
	fi
	expect_ok pod rm -f -t 0 w
	expect_eq "$(pod ps -aq)" ""
}
