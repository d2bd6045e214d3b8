# What a container writes: kept, bounded, followed, and no reason for it to stop.

test_streams_are_kept_apart_and_counted() {
	use_busybox
	expect_ok cloche run -d --name web --network none busybox sh -c 'for i in 1 2 3 4 5; do echo out $i; done; echo err >&2; printf "no end"'
	expect_ok cloche wait web
	expect_ok cloche logs web
	expect_eq "$err" err
	expect_match "$out" "out 5
no end"
	expect_ok cloche logs -n 2 web
	expect_eq "$(printf '%s%s' "$out" "$err" | wc -l)" 0
	expect_ok cloche logs -t web
	expect_match "$out" '(^|
)20[0-9-]+T[0-9:.]+Z out 5'
	expect_ok cloche logs --since 1h web
	expect_match "$out" "out 1"
	expect_ok cloche logs --until 1h web
	expect_eq "$out" ""
	expect_fail 125 cloche logs --since tomorrow web
}

test_follow_ends_with_the_container() {
	use_busybox
	expect_ok cloche run -d -i --name web --network none busybox sh -c 'echo first; read x; echo "got $x"'
	start cloche logs -f web
	wait_for 10 grep -q first "$T/start.out"
	echo hello | cloche attach --sig-proxy=false web >/dev/null
	finish
	expect_eq "$status" 0
	expect_match "$(cat "$T/start.out")" "got hello"
}

# An ordinary user may have 128 inotify instances in all, and other programs take them too.
test_all_works_without_inotify() {
	use_busybox
	cat >poor <<-'END'
		#!/bin/sh
		exec unshare -U -c --keep-caps sh -c 'echo 0 >/proc/sys/user/max_inotify_instances
			exec setpriv --inh-caps=-all --ambient-caps=-all "$@"' sh cloche "$@"
	END
	chmod +x poor
	expect_ok cloche run -d -i --name web --network none busybox sh -c 'echo first; read x; echo "got $x"; exec sleep 1000'
	start ./poor logs -f web
	local logs=$pid
	wait_for 10 grep -q first "$T/start.out"
	echo hello | cloche attach --sig-proxy=false web >/dev/null &
	wait_for 10 grep -q "got hello" "$T/start.out"
	expect_ok ./poor stop -t 0 web
	finish "$logs"
	expect_eq "$status" 0
	expect_ok ./poor wait web
	expect_eq "$out" 137
	expect_ok ./poor rm web
}

test_rotation_bounds_the_log() {
	use_busybox
	expect_ok cloche run -d --name web --network none --log-opt max-size=4k --log-opt max-file=3 busybox seq 1 2000
	expect_ok cloche wait web
	local dir="$T/root/containers/by-name/web"
	expect_file "$dir/log.json.2"
	expect_no_file "$dir/log.json.3"
	[ "$(cat "$dir"/log.json* | wc -c)" -le 12288 ] || fail "too long"
	expect_ok cloche logs -n 1 web
	expect_eq "$out" 2000
	expect_fail 125 cloche run --log-opt max-size=nonsense busybox true
	expect_fail 125 cloche run --log-driver syslog busybox true
}

# The files are renamed while they are read, and none that is still there is missed.
test_no_line_is_missed_while_files_are_rotated() {
	use_busybox
	seq 1 20000 >all
	expect_ok cloche create --name web --network none --log-opt max-size=32k --log-opt max-file=100 busybox seq 1 20000
	expect_ok cloche start web
	cloche logs -f web >followed
	cmp all followed
	expect_file "$T/root/containers/by-name/web/log.json.20"
	cloche logs web >read
	cmp all read
}

test_what_keeps_no_log_says_so() {
	use_busybox
	expect_ok cloche run -d --name quiet --log-driver none --network none busybox echo x
	expect_ok cloche wait quiet
	expect_fail 125 cloche logs quiet
	expect_match "$err" "log-driver none"
}

test_every_byte_of_utf8_comes_back() {
	use_busybox
	expect_ok cloche run -d --name web --network none busybox printf 'a"b\\c<&>\t\303\251\342\202\254\360\237\224\224\n'
	expect_ok cloche wait web
	expect_ok cloche logs web
	expect_eq "$out" "$(printf 'a"b\\c<&>\t\303\251\342\202\254\360\237\224\224')"
	python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$T/root/containers/by-name/web/log.json"
}

test_details() {
	use_busybox
	expect_ok cloche run -d --name web --network none --label tier=front -e COLOR=blue --log-opt labels=tier --log-opt env=COLOR busybox echo x
	expect_ok cloche wait web
	expect_ok cloche logs --details web
	expect_eq "$out" "tier=front,COLOR=blue x"
}
