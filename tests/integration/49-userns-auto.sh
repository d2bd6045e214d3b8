# --userns auto: ids that no other container has; and user namespaces that are shared with such a container or with keep-id.
# users: root nosubids subids
# once: test_words_are_checked

# root's ids are those of "containers"; this machine's files stay as they are.
with_ranges() {
	if [ "$KIND" != root ]; then
		"$@"
		return
	fi
	printf 'containers:500000000:4096\n' >"$T/subids"
	unshare -m --propagation private bash -c 'mount --bind "$0" /etc/subuid; mount --bind "$0" /etc/subgid; exec "$@"' "$T/subids" "$@"
}

test_without_a_range_it_says_so() {
	use_busybox
	case $KIND in
	root)
		! grep -qs ^containers: /etc/subuid || skip "this machine gives ids to 'containers'"
		expect_fail 125 cloche run --rm --network none --userns auto busybox true
		expect_match "$err" "/etc/subuid gives no ids to 'containers'"
		expect_match "$err" "hint: .*add the line 'containers:"
		;;
	nosubids)
		expect_fail 125 cloche run --rm --network none --userns auto busybox true
		expect_match "$err" "no range of ids for user $(id -u)"
		expect_match "$err" "hint: leave --userns out"
		;;
	esac
	expect_eq "$(cloche ps -aq)" ""
}

test_words_are_checked() {
	use_busybox
	local word
	for word in auto:size=x auto:size=0 auto:size auto:uidmapping=1:2 auto:gidmapping=0:0:0 auto:uidmapping=0:5:3,uidmapping=2:9:1 automatic; do
		expect_fail 125 cloche run --rm --network none --userns "$word" busybox true
		expect_match "$err" "--userns '$word'"
	done
}

# A container's ids, as its own user sees them and as they are outside.
test_each_has_its_own() {
	[ "$KIND" != nosubids ] || return 0
	use_busybox
	mkdir -m 700 "$T/src"
	echo secret >"$T/src/mine"
	chmod 600 "$T/src/mine"
	expect_ok with_ranges cloche run -d --name one --network none --userns auto busybox sleep 1000
	expect_ok with_ranges cloche run -d --name two --network none --userns auto:size=2000 busybox sleep 1000
	cloche exec one cat /proc/self/uid_map /proc/self/gid_map >one
	cloche exec two cat /proc/self/uid_map /proc/self/gid_map >two
	expect_eq "$(awk '{ print $1, $3 }' one)" $'0 1024\n0 1024'
	expect_eq "$(awk '{ print $1, $3 }' two)" $'0 2000\n0 2000'
	expect_eq "$(($(awk 'NR == 1 { print $2 }' one) + 1024))" "$(awk 'NR == 1 { print $2 }' two)" "the first that are free"

	# Whoever is root in there owns what the image says is root's, and nothing of ours.
	expect_ok with_ranges cloche run --rm --network none --userns auto:size=500 -v "$T/src:/src" busybox \
		sh -c 'id -u; stat -c %u:%g /bin/sh / /etc/hosts; touch /made && stat -c %u:%g /made; stat -c %u:%g /src; cat /src/mine || echo refused; echo >/dev/stdout'
	expect_eq "$out" $'0\n0:0\n0:0\n0:0\n0:0\n65534:65534\nrefused'
	[ "$KIND" = root ] || expect_match "$(cloche inspect -f '{{.HostConfig.UsernsMode}}' one)" '^auto$'
	cloche rm -f one two >/dev/null
}

test_it_keeps_them_until_it_is_removed() {
	[ "$KIND" != nosubids ] || return 0
	use_busybox
	expect_ok with_ranges cloche run --name first --network none --userns auto busybox sh -c 'echo word >/file; chown 33:34 /file; cat /proc/self/uid_map'
	local first=$out
	expect_ok with_ranges cloche run --rm --network none --userns auto busybox cat /proc/self/uid_map
	[ "$out" != "$first" ] || fail "a stopped container's ids were given away"
	expect_ok with_ranges cloche start -a first
	expect_eq "$out" "$first"
	cloche export first >first.tar
	expect_match "$(tar --numeric-owner -tvf first.tar file)" '33/34'
	expect_ok cloche diff first
	expect_match "$out" '^A /file$'
	expect_ok with_ranges cloche commit first made
	expect_ok cloche run --rm --network none made stat -c %u:%g /file
	expect_eq "$out" 33:34
	expect_ok cloche rm first
	expect_ok with_ranges cloche run --rm --network none --userns auto busybox cat /proc/self/uid_map
	expect_eq "$out" "$first" "they are free again"
}

test_too_few_are_left() {
	[ "$KIND" != nosubids ] || return 0
	use_busybox
	expect_fail 125 with_ranges cloche run --rm --network none --userns auto:size=70000000 busybox true
	expect_match "$err" "no 70000000 ids in a row are free of the [0-9]+ in /etc/subuid"
	expect_match "$err" "hint: .*auto:size=N"
}

test_mappings_that_are_asked_for() {
	[ "$KIND" != nosubids ] || return 0
	use_busybox
	local out_id=1
	[ "$KIND" != root ] || out_id=600000000
	expect_ok with_ranges cloche run --rm --network none --userns "auto:size=1000,uidmapping=100:$out_id:10" busybox cat /proc/self/uid_map
	expect_eq "$(awk '{ print $1, $3 }' <<<"$out" | sort -n)" $'0 100\n100 10\n110 890'
}

# Files have the owners that the other's map makes of them.
test_shared_with_one_of_an_own_map() {
	use_busybox
	local kinds=keep-id kind
	case $KIND in
	root) kinds=auto ;;
	subids) kinds="keep-id auto" ;;
	esac
	for kind in $kinds; do
		expect_ok with_ranges cloche run -d --name first --network none --userns $kind busybox sleep 1000
		for how in userns pid; do
			expect_ok with_ranges cloche run --rm --network none --$how container:first --user 0 busybox \
				sh -c 'readlink /proc/self/ns/user; id -u; stat -c %u:%g / /bin/sh; touch /made; stat -c %u:%g /made; touch /bin/busybox; stat -c %u:%g /bin/busybox'
			expect_eq "$(sed 1d <<<"$out")" $'0\n0:0\n0:0\n0:0\n0:0'
			expect_eq "$(head -n 1 <<<"$out")" "$(cloche exec --user 0 first readlink /proc/self/ns/user)"
		done
		cloche rm -f first >/dev/null
	done
}
