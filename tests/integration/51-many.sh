# Many containers: the index that lists are read from follows every change, whatever is killed or damaged.
# once: test_damaged_index_does_no_harm test_index_follows_every_change

index="$T/root/containers/index"

# What it says of NAME, once its folder was left alone for long enough.
is_indexed() {
	cloche ps -aq >/dev/null
	grep -qa "$1" "$index" 2>/dev/null
}

rows() {
	cloche ps -a --no-trunc --format '{{.Names}} {{.State}} {{.Command}} {{.Labels}} {{.Mounts}}' "$@" | sort
}

# make_some NAME...: containers that end with 3, all in the index.
make_some() {
	local name
	for name; do
		expect_ok cloche create --name "$name" --label "of=$name" --network none -v "data-$name:/data" busybox sh -c 'exit 3'
	done
	for name; do
		wait_for 20 is_indexed "data-$name"
	done
}
row_of() { # NAME STATE [LABEL]
	printf '%s %s "sh -c exit 3" of=%s data-%s' "$1" "$2" "${3:-$1}" "${3:-$1}"
}

test_index_follows_every_change() {
	use_busybox
	make_some one two three
	expect_eq "$(rows)" "$(row_of one created
		echo
		row_of three created
		echo
		row_of two created)"
	expect_ok cloche rename one uno
	expect_eq "$(rows -f name=uno)" "$(row_of uno created one)"
	expect_eq "$(rows -f name=one)" ""
	expect_fail 3 cloche start -a two
	expect_eq "$(rows -f exited=3)" "$(row_of two exited)"
	expect_ok cloche update --restart always three
	expect_eq "$(rows -f restart-policy=always)" "$(row_of three created)"
	expect_ok cloche rm uno
	expect_eq "$(cloche ps -a --format '{{.Names}}')" "$(printf 'three\ntwo')"
	# And once more when all that is in the index.
	wait_for 20 is_indexed data-two
	wait_for 20 is_indexed data-three
	if grep -qa data-one "$index"; then
		fail "the removed container is still in the index"
	fi
	expect_eq "$(rows -f exited=3)" "$(row_of two exited)"
	expect_eq "$(rows -f restart-policy=always)" "$(row_of three created)"
	expect_fail 3 cloche start -a two
	expect_eq "$(rows -f exited=3)" "$(row_of two exited)"
}

# Indexed while it runs: the lock is asked, not the index.
test_index_of_a_running_one_says_nothing_of_its_life() {
	use_busybox
	expect_ok cloche run -d --name web --network none -v data-web:/data busybox sleep 1000
	wait_for 20 is_indexed data-web
	expect_eq "$(cloche ps --format '{{.Names}} {{.State}}')" "web running"
	expect_ok cloche pause web
	expect_eq "$(cloche ps --format '{{.Names}} {{.State}}')" "web paused"
	expect_ok cloche unpause web
	kill -KILL "$(pgrep -f "cloche-monitor id=$(cloche ps -q --no-trunc) .*$T/")"
	wait_for 10 is_gone
	expect_match "$(cloche ps -a --format '{{.Names}} {{.Status}}')" '^web Exited \(137\)'
	expect_ok cloche start web
	expect_eq "$(cloche ps --format '{{.Names}} {{.State}}')" "web running"
	expect_ok cloche rm -f web
	expect_eq "$(cloche ps -aq)" ""
}
is_gone() { [ -z "$(cloche ps -q)" ]; }

test_damaged_index_does_no_harm() {
	use_busybox
	make_some one
	cp "$index" whole
	local size what
	size=$(stat -c %s whole)
	for what in empty zeros short long other bit; do
		case $what in
		empty) : >"$index" ;;
		zeros) head -c "$size" /dev/zero >"$index" ;;
		short) head -c $((size - 8)) whole >"$index" ;;
		long) cat whole whole >"$index" ;;
		other) echo "cloche index 2" >"$index" ;;
		# The name, as if one byte had been written wrong.
		bit) LC_ALL=C sed 's/data-one/data-own/' whole >"$index" ;;
		esac
		expect_eq "$(rows)" "$(row_of one created)" "$what"
		expect_ok cmp whole "$index"
	done
	# Whatever else is there in its place.
	rm "$index"
	mkdir "$index"
	expect_eq "$(rows)" "$(row_of one created)"
	rmdir "$index"
	ln -s /etc/hostname "$index"
	expect_eq "$(rows)" "$(row_of one created)"
	expect_ok cmp whole "$index"
}

test_index_killed_while_written() {
	need_strace
	use_busybox
	make_some one two
	AFTER_KILL=check_after_kill kill_at_each unlinkat,linkat,openat,write cloche ps -a
}
check_after_kill() {
	expect_eq "$(cloche ps -a --format '{{.Names}}')" "$(printf 'two\none')"
	expect_eq "$(find "$T/root/containers" -mindepth 1 -maxdepth 1 -type f ! -name index)" ""
	expect_ok rm -f "$index"
}
