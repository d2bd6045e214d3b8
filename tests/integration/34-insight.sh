# What is shown about containers and the machine: doctor, namespaces, run --explain.

test_doctor_says_what_is_there() {
	expect_ok cloche doctor
	expect_match "$out" "ok +user namespaces +allowed"
	expect_match "$out" "ok +overlay"
	expect_match "$out" "seccomp +filters, notification"
	case $KIND in
	root) expect_match "$out" "ids +we are root" ;;
	nosubids) expect_match "$out" "less +ids +one id"; expect_match "$out" "remedy: .*usermod --add-subuids" ;;
	subids) expect_match "$out" "ids +65537 ids by /etc/subuid" ;;
	esac
	expect_ok cloche doctor --format json
	python3 -c 'import json, sys; assert all({"name", "state"} <= set(f) for f in json.loads(sys.argv[1]))' "$out"
	expect_fail 125 cloche doctor --format odd
}

test_doctor_says_what_no_user_namespaces_cost() {
	[ "$KIND" = root ] || skip "only root can forbid them"
	capture unshare -U --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && cloche doctor'
	expect_eq "$status" 1
	expect_match "$out" "FATAL +user namespaces +refused"
}

test_namespaces_of_processes() {
	expect_ok cloche namespaces $$
	expect_match "$out" "uts .*shared with the host"
	expect_ok cloche namespaces
	expect_match "$out" "network +[0-9]+ .*yes"
	expect_ok cloche namespaces --format json $$
	python3 -c 'import json, sys; assert len(json.loads(sys.argv[1])) == 8' "$out"
	expect_fail 125 cloche namespaces nosuch
	start unshare --map-root-user -U -u sleep 60
	wait_for 5 grep -q sleep "/proc/$pid/comm"
	expect_ok cloche namespaces "$pid"
	expect_match "$out" "uts .*its own"
	expect_match "$out" "network .*shared with the host"
}

test_explain_shows_the_start_of_what_runs() {
	use_busybox
	expect_ok cloche run --rm --network none --explain busybox echo hello
	expect_eq "$out" hello
	expect_match "$err" "clone3\(CLONE_NEWUSER"
	expect_match "$err" "pivot_root"
	expect_match "$err" "mount /proc"
	expect_match "$err" "the whole start"
	expect_no_match "$err" $'\033'
	[ "$KIND" != nosubids ] || expect_match "$err" "start the supervisor of ids"
	[ "$KIND" = nosubids ] || expect_no_match "$err" "supervisor"
}

test_a_full_disk_ends_in_one_error() {
	[ "$KIND" != subids ] || skip "files of other ids can't be copied"
	use_busybox
	cat >full.sh <<-'END'
		cp -a "$T/root/." "$T/small/" 2>/dev/null || exit 99
		c() { "$CLOCHE" --root "$T/small" --runroot "$T/runroot" "$@"; }
		c run --rm --network none busybox true || exit 98
		dd if=/dev/zero of="$T/small/fill" bs=4096 2>/dev/null
		seq 1000 | sed "s#^#$T/small/inode#" | xargs touch 2>/dev/null
		c run --rm --network none busybox true
		code=$?
		rm "$T/small/fill" "$T/small"/inode*
		c run --rm --network none busybox true || exit 97
		[ "$(c ps -aq)" = "" ] || exit 96
		exit $code
	END
	capture on_small_fs 16m 1000 sh full.sh
	expect_eq "$status" 125 "$err"
	expect_match "$err" "No space left on device"
}
