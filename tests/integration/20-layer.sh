# The layer helper: archives of all writers and of attackers, trees there and back, limits, faults.
# users: root nosubids subids
# timeout: 120
# once: test_malformed_archives_are_refused test_hostile_names_are_refused test_compressions_of_other_tools
# once: test_odd_archives_work test_bombs test_archives_of_other_writers
# once: test_no_command_keeps_anything_of_a_hostile_archive test_ten_million_entries

tool() {
	"$(dirname "$CLOCHE")/tests/layer_tool" "$@"
}

make_tar() {
	python3 "$SRC/tests/tools/make_tar.py" "$@"
}

# Names, types, modes and sizes below a folder, sorted.
listing() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %s %T@ %l\n' | LC_ALL=C sort)
}

# Applies what make_tar writes as $T/in/out: must fail, say so in one or two lines, and leave nothing.
refuses() {
	local kind=$1 expected=$2
	mkdir -p "$T/in"
	make_tar "$kind" >"$T/$kind.tar"
	expect_fail 1 tool apply "$T/$kind.tar" "$T/in" out
	expect_match "$err" "$expected"
	[ "$(grep -c '^cloche: ' <<<"$err")" = 1 ] || fail "$kind: more than one error: $err"
	expect_eq "$(ls -A "$T/in")" "" "$kind left something behind"
}

test_hostile_names_are_refused() {
	local kind
	for kind in dotdot dotdot-inside dotdot-pax symlink-out symlink-absolute symlink-chain symlink-folder symlink-whiteout \
		hardlink-out hardlink-through-symlink; do
		refuses "$kind" 'an attempt to break out'
	done
	refuses absolute 'is absolute'
	refuses hardlink-absolute 'is absolute'
	refuses hardlink-missing 'does not have before it'
	refuses below-a-file 'not a folder'
	refuses name-too-long 'longer than 255 bytes'
	refuses path-too-long 'longer than 4095 bytes'
	refuses deep 'more than 1024 folders'
	refuses whiteout-of-nothing 'names nothing'
	refuses whiteout-of-dotdot 'names nothing'
	refuses device-zero 'character device 0:0'
	expect_no_file /tmp/cloche-evil
	expect_no_file "$T/evil"
	expect_no_file "$T/in/evil"
}

# The commands, too, say one thing and keep nothing.
test_no_command_keeps_anything_of_a_hostile_archive() {
	local kind
	mkdir "$T/ctx"
	use_busybox
	printf 'FROM busybox\nADD evil.tar /\n' >"$T/ctx/Dockerfile"
	(cd "$T/root" && find blobs layers refs tmp trash | sort) >"$T/before"
	for kind in dotdot symlink-out hardlink-out size-2-63 truncated sparse-lie; do
		make_tar "$kind" >"$T/ctx/evil.tar"
		expect_fail any cloche import "$T/ctx/evil.tar" evil
		expect_eq "$(grep -c '^cloche: ' <<<"$err")" 1 "$kind: errors"
		expect_fail any cloche load -i "$T/ctx/evil.tar"
		expect_eq "$(grep -c '^cloche: ' <<<"$err")" 1 "$kind: errors"
		(cd "$T/root" && find blobs layers refs tmp trash | sort) >"$T/after"
		expect_eq "$(diff "$T/before" "$T/after")" "" "$kind left something behind"
	done
	make_tar dotdot >"$T/ctx/evil.tar"
	expect_fail 1 cloche build -t evil "$T/ctx"
	expect_match "$err" 'Dockerfile:2:1: .*an attempt to break out'
	expect_no_file /tmp/cloche-evil
	expect_no_file "$T/evil"
}

test_malformed_archives_are_refused() {
	refuses negative-size 'size in a header is negative'
	refuses size-2-63 'too large'
	refuses pax-size-2-63 "'size' has the value '9223372036854775808'"
	refuses pax-size-negative "'size' has the value '-1'"
	refuses huge-size 'cut off|larger than'
	refuses truncated 'cut off'
	refuses truncated-header 'cut off'
	refuses no-end 'no end mark'
	refuses checksum 'no tar archive'
	refuses garbage 'no tar archive'
	refuses empty 'is empty'
	refuses unknown-type 'not known'
	refuses pax-nul 'NUL'
	refuses pax-malformed 'malformed'
	refuses pax-huge 'the limit is'
	refuses pax-global-path 'global pax header'
	refuses sparse-lie 'do not add up'
	refuses gzip-cut 'gzip data is cut off'
	refuses gzip-damaged 'gzip data is damaged'
	refuses gzip-tail 'behind the gzip data'
}

test_odd_archives_work() {
	local kind
	mkdir "$T/o"
	for kind in twice file-folder-file link-inside over-symlink folder-over-symlink no-parents not-utf8 large-xattr times gnu-long \
		v7 owners owner-large forged-xattrs; do
		make_tar "$kind" >"$T/$kind.tar"
		expect_ok tool apply "$T/$kind.tar" "$T/o" "$kind"
	done
	expect_eq "$(cat "$T/o/twice/f")" second
	expect_eq "$(cat "$T/o/file-folder-file/x/last")" 4
	expect_eq "$(ls "$T/o/file-folder-file/x")" last
	expect_eq "$(cat "$T/o/link-inside/usr/f")" in
	expect_eq "$(cat "$T/o/over-symlink/l")" mine
	expect_eq "$(cat "$T/o/folder-over-symlink/l/f")" in
	expect_eq "$(cat "$T/o/no-parents/a/b/c/f")" deep
	expect_file "$T/o/not-utf8/$(printf 'caf\351')"
	expect_eq "$(stat -c %.9Y "$T/o/times/f")" 1234567890.123456789
	expect_eq "$(stat -c %.9Y "$T/o/times/old")" -1.500000000
	expect_eq "$(cat "$T"/o/gnu-long/g/g*/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/g/n*)" long
	expect_eq "$(cat "$T/o/v7/f")" old
	for kind in "$T"/o/*; do tool remove "$T/o" "${kind##*/}" 2>/dev/null; done
	expect_eq "$(ls -A "$T/o")" ""
}

test_forged_attributes_are_dropped() {
	make_tar forged-xattrs >"$T/a.tar"
	expect_ok tool apply "$T/a.tar" "$T" out
	expect_match "$err" 'lost_xattrs=3'
	need getfattr
	expect_eq "$(getfattr -m - "$T/out/f" 2>/dev/null | grep -v '^#' | tr -d '\n')" user.fine
}

test_attributes_at_their_limits() {
	refuses xattr-over 'longer than 65536 bytes'
	refuses xattrs-many 'more than 512 attributes'
	make_tar xattr-64k >"$T/a.tar"
	# tmpfs and xfs hold it, ext4 doesn't: then it is said, and nothing stays.
	capture tool apply "$T/a.tar" "$T" out
	if [ "$status" = 0 ]; then
		expect_ok tool make "$T/out" "$T/b.tar"
		expect_ok tool apply "$T/b.tar" "$T" again
	else
		expect_match "$err" 'set the attribute user.large of 65536 bytes'
		expect_match "$err" 'hint: ext4 holds'
		expect_no_file "$T/out"
	fi
}

test_whiteouts_are_the_overlays() {
	make_tar whiteouts >"$T/a.tar"
	expect_ok tool apply "$T/a.tar" "$T" out
	expect_eq "$(listing "$T/out" | cut -d' ' -f1,2 | tr '\n' ' ')" 'also c d d d/gone c d/kept f '
	expect_eq "$(stat -c %t:%T "$T/out/also")" 0:0
	expect_ok tool make "$T/out" "$T/back.tar"
	expect_ok tool list "$T/back.tar"
	expect_eq "$(sed 's/.* //' <<<"$out" | tr '\n' ' ')" '.wh.also d d/.wh..wh..opq d/.wh.gone d/kept '
	expect_ok tool apply "$T/back.tar" "$T" again
	expect_ok tool make "$T/again" "$T/again.tar"
	cmp "$T/back.tar" "$T/again.tar"
	expect_ok tool apply "$T/a.tar" "$T" plain plain
	expect_file "$T/plain/.wh.also"
	expect_ok tool remove "$T" out
	expect_ok tool remove "$T" again
}

test_owners_come_back_as_they_were() {
	make_tar owners >"$T/a.tar"
	expect_ok tool apply "$T/a.tar" "$T" out
	expect_ok tool make "$T/out" "$T/b.tar"
	expect_ok tool list "$T/b.tar"
	expect_match "$out" '^f 0644 33:34 .* f'
	expect_match "$out" 'l 0777 1:2 .* l -> f'
	make_tar owner-large >"$T/large.tar"
	expect_ok tool apply "$T/large.tar" "$T" large
	expect_ok tool make "$T/large" "$T/b.tar"
	expect_ok tool list "$T/b.tar"
	expect_match "$out" '^f 0644 1000000:2000000 '
	[ "$KIND" != subids ] || { expect_ok tool apply "$T/large.tar" "$T" more; expect_match "$err" 'lost_owners=1'; }
	expect_ok tool remove "$T" out
	expect_ok tool remove "$T" large
	expect_ok tool remove "$T" more
}

# A tree with all that a tar can say and an ordinary user can make.
make_tree() {
	mkdir -p "$1/d/deep/er" "$1/empty"
	chmod 1777 "$1/empty"
	echo hello >"$1/d/file"
	chmod 4755 "$1/d/file"
	ln "$1/d/file" "$1/d/hard"
	ln -s ../elsewhere "$1/d/link"
	mkfifo "$1/d/fifo"
	seq 100000 >"$1/d/deep/large"
	echo x >"$1/d/deep/er/$(printf 'n%.0s' $(seq 200))"
	truncate -s 20M "$1/sparse"
	printf data | dd of="$1/sparse" bs=1M seek=9 conv=notrunc status=none
	touch -d '2001-02-03 04:05:06.789012345 UTC' "$1/d/deep/large" "$1/d/deep"
	touch -h -d '2001-02-03 04:05:06 UTC' "$1/d/link"
}

test_archives_of_other_writers() {
	local f
	make_tree "$T/src"
	listing "$T/src" | sed 's/\.[0-9]* / /' >"$T/wanted"
	for f in gnu posix ustar v7 oldgnu; do
		[ "$f" != ustar ] && [ "$f" != v7 ] || rm -rf "$T/src/d/deep/er"
		[ "$f" != v7 ] || rm -f "$T/src/d/fifo"
		listing "$T/src" | sed 's/\.[0-9]* / /' >"$T/wanted"
		tar -C "$T/src" --format="$f" -cf "$T/a.tar" .
		expect_ok tool apply "$T/a.tar" "$T" out
		listing "$T/out" | sed 's/\.[0-9]* / /' | diff "$T/wanted" -
		tool remove "$T" out 2>/dev/null
	done
	for f in gnu posix; do
		tar -C "$T/src" --format="$f" --sparse -cf "$T/a.tar" sparse
		expect_ok tool apply "$T/a.tar" "$T" out
		cmp "$T/src/sparse" "$T/out/sparse"
		[ "$(stat -c %b "$T/out/sparse")" -lt 1000 ] || fail "the sparse file was filled"
		tool remove "$T" out 2>/dev/null
	done
	tar -C "$T/src" --format=posix --sparse --sparse-version=0.1 -cf "$T/a.tar" sparse
	expect_ok tool apply "$T/a.tar" "$T" out
	cmp "$T/src/sparse" "$T/out/sparse"
}

test_archives_of_python_and_bsdtar() {
	local f
	make_tree "$T/src"
	listing "$T/src" | sed 's/\.[0-9]* / /' >"$T/wanted"
	for f in GNU PAX; do
		python3 -c "import tarfile, sys
t = tarfile.open(sys.argv[1], 'w', format=tarfile.${f}_FORMAT)
t.add(sys.argv[2], '.')
t.close()" "$T/a.tar" "$T/src"
		expect_ok tool apply "$T/a.tar" "$T" out
		listing "$T/out" | sed 's/\.[0-9]* / /' | diff "$T/wanted" -
		tool remove "$T" out 2>/dev/null
	done
	need bsdtar
	bsdtar -C "$T/src" -cf "$T/a.tar" .
	expect_ok tool apply "$T/a.tar" "$T" out
	listing "$T/out" | sed 's/\.[0-9]* / /' | diff "$T/wanted" -
}

test_there_and_back_is_the_same_bytes() {
	local c
	make_tree "$T/src"
	expect_ok tool make "$T/src" "$T/a.tar" tar
	tar -tf "$T/a.tar" >/dev/null
	for c in tar gzip zstd; do
		expect_ok tool make "$T/src" "$T/a.$c" "$c"
		expect_ok tool apply "$T/a.$c" "$T" "out.$c"
		listing "$T/src" >"$T/wanted"
		listing "$T/out.$c" | diff "$T/wanted" -
		expect_ok tool make "$T/out.$c" "$T/b.$c" "$c"
		cmp "$T/a.$c" "$T/b.$c"
	done
	[ "$(stat -c %b "$T/out.tar/sparse")" -lt 1000 ] || fail "the sparse file was filled"
	need zstd
	zstd -dc "$T/a.zstd" | cmp - "$T/a.tar"
	gzip -dc "$T/a.gzip" | cmp - "$T/a.tar"
}

test_compressions_of_other_tools() {
	local c
	make_tree "$T/src"
	tool make "$T/src" "$T/a.tar" 2>/dev/null
	for c in gzip bzip2 xz zstd; do
		command -v "$c" >/dev/null || continue
		"$c" -c "$T/a.tar" >"$T/a.$c"
		expect_ok tool apply "$T/a.$c" "$T" "out.$c"
		expect_ok tool make "$T/out.$c" "$T/b.tar"
		cmp "$T/a.tar" "$T/b.tar"
		# From a pipe as well, and cut off.
		"$c" -c "$T/a.tar" | expect_ok tool apply - "$T" "pipe.$c"
		head -c $(($(stat -c %s "$T/a.$c") / 2)) "$T/a.$c" >"$T/cut"
		expect_fail 1 tool apply "$T/cut" "$T" cut.out
		expect_match "$err" "cut off|damaged"
		expect_no_file "$T/cut.out"
	done
}

test_a_lie_about_a_digest_is_found() {
	local right diff wrong=sha256:0123456789012345678901234567890123456789012345678901234567890123
	make_tree "$T/src"
	tool make "$T/src" "$T/a.tar.gz" gzip 2>"$T/said"
	right=$(sed 's/.*digest=\([^ ]*\) size.*/\1/' "$T/said")
	diff=$(sed 's/.* diff=\([^ ]*\) .*/\1/' "$T/said")
	expect_eq "$right" "sha256:$(sha256sum <"$T/a.tar.gz" | cut -d' ' -f1)"
	expect_eq "$diff" "sha256:$(gzip -dc "$T/a.tar.gz" | sha256sum | cut -d' ' -f1)"
	expect_ok tool apply "$T/a.tar.gz" "$T" out "digest=$right" "diff=$diff"
	expect_fail 1 tool apply "$T/a.tar.gz" "$T" bad "digest=$wrong"
	expect_match "$err" "the digest is $right, expected $wrong"
	expect_no_file "$T/bad"
	expect_fail 1 tool apply "$T/a.tar.gz" "$T" bad "diff=$wrong"
	expect_match "$err" "diff id .*is $diff, expected $wrong"
	expect_no_file "$T/bad"
}

test_bombs() {
	make_tar bomb 3000 >"$T/bomb.gz"
	expect_fail 1 tool apply "$T/bomb.gz" "$T" out
	expect_match "$err" 'a compression bomb'
	expect_no_file "$T/out"
	make_tar many 100000 >"$T/many.gz"
	expect_fail 1 tool apply "$T/many.gz" "$T" out entries=2000
	expect_match "$err" 'more than 2000 entries'
	expect_no_file "$T/out"
	expect_ok tool list "$T/many.gz"
}

test_ten_million_entries() {
	make_tar many 10000000 >"$T/many.gz"
	expect_fail 1 on_small_fs 4g 0 sh -c '"$1" apply "$2" "$3" out; s=$?; ls -A "$3"; exit $s' sh \
		"$(dirname "$CLOCHE")/tests/layer_tool" "$T/many.gz" "$T/small"
	expect_match "$err" 'more than 1000000 entries'
	expect_eq "$out" ""
}

test_a_full_disk_and_a_full_inode_table() {
	make_tar fill 20 >"$T/fill.tar"
	expect_fail any on_small_fs 8m 0 sh -c '"$1" apply "$2" "$3" out; s=$?; ls -A "$3"; exit $s' sh \
		"$(dirname "$CLOCHE")/tests/layer_tool" "$T/fill.tar" "$T/small"
	expect_match "$err" 'No space left on device'
	expect_match "$err" 'hint: free some space'
	expect_eq "$out" ""
	make_tar files 500 >"$T/files.tar"
	expect_fail any on_small_fs 8m 200 sh -c '"$1" apply "$2" "$3" out; s=$?; ls -A "$3"; exit $s' sh \
		"$(dirname "$CLOCHE")/tests/layer_tool" "$T/files.tar" "$T/small"
	expect_match "$err" 'No space left on device'
	expect_eq "$out" ""
	make_tree "$T/src"
	make_tar fill 3 | tar -C "$T/src" -xf -
	expect_fail any on_small_fs 1m 0 "$(dirname "$CLOCHE")/tests/layer_tool" make "$T/src" "$T/small/out.tar"
	expect_match "$err" 'No space left on device'
}

test_killed_in_the_middle() {
	make_tar fill 60 >"$T/fill.tar"
	(cat "$T/fill.tar"; cat "$T/fill.tar") >"$T/twice.tar"
	expect_ok tool killed "$T/twice.tar" "$T" out
	expect_no_file "$T/out"
	expect_no_match "$(pgrep -u "$(id -u)" -x layer -a || :)" "$T"
}

test_what_was_there_before_stays() {
	make_tar twice >"$T/a.tar"
	mkdir "$T/out"
	echo precious >"$T/out/mine"
	expect_fail 1 tool apply "$T/a.tar" "$T" out
	expect_match "$err" "make folder 'out': File exists"
	expect_eq "$(cat "$T/out/mine")" precious
	make_tar truncated >"$T/b.tar"
	expect_fail 1 tool apply "$T/b.tar" "$T" out
	expect_eq "$(cat "$T/out/mine")" precious
	umask 077
	expect_ok tool apply "$T/a.tar" "$T" other
	expect_eq "$(stat -c %a "$T/other")" 755
}

test_archives_of_archives() {
	make_tree "$T/src"
	mkdir "$T/outer" "$T/stage"
	tool make "$T/src" "$T/outer/layer.tar" 2>/dev/null
	echo '{}' >"$T/outer/manifest.json"
	ln -s ../other/layer.tar "$T/outer/linked"
	tar -C "$T/outer" -cf "$T/outer.tar" manifest.json layer.tar linked
	expect_ok tool split "$T/outer.tar" "$T/stage"
	expect_match "$out" "manifest.json staged=m1 .* sha256:$(sha256sum <"$T/outer/manifest.json" | cut -d' ' -f1)"
	expect_match "$out" "layer.tar staged=m2 .* sha256:$(sha256sum <"$T/outer/layer.tar" | cut -d' ' -f1)"
	expect_match "$out" 'linked staged= .* -> ../other/layer.tar'
	cmp "$T/stage/m2" "$T/outer/layer.tar"
	expect_ok tool split "$T/outer.tar" "$T/stage" index
	expect_eq "$(sed -n 's/^layer.tar .*offset=\([0-9]*\) .*/\1/p' <<<"$out")" 1536
	gzip -c "$T/outer.tar" >"$T/outer.gz"
	rm "$T"/stage/*
	expect_ok tool split "$T/outer.gz" "$T/stage"
	cmp "$T/stage/m2" "$T/outer/layer.tar"
	make_tar dotdot >"$T/bad.tar"
	rm "$T"/stage/*
	expect_ok tool split "$T/bad.tar" "$T/stage"
	expect_eq "$(ls "$T/stage")" m1
}

test_packing() {
	local size
	make_tree "$T/src"
	tool make "$T/src" "$T/l.tar" 2>/dev/null
	tool make "$T/src" "$T/l.gz" gzip 2>/dev/null
	echo '[]' >"$T/manifest.json"
	size=$(stat -c %s "$T/l.tar")
	expect_ok tool pack "$T/a.tar" tar "manifest.json=$T/manifest.json" "one/layer.tar:=$T/l.gz@$size" "two=$T/l.tar"
	tar -xOf "$T/a.tar" one/layer.tar | cmp - "$T/l.tar"
	tar -xOf "$T/a.tar" two | cmp - "$T/l.tar"
	tool pack - tar "manifest.json=$T/manifest.json" "one/layer.tar:=$T/l.gz@$size" "two=$T/l.tar" 2>/dev/null | cmp - "$T/a.tar"
	expect_ok tool pack "$T/a.gz" gzip "manifest.json=$T/manifest.json" "one/layer.tar:=$T/l.gz@$size" "two=$T/l.tar"
	gzip -dc "$T/a.gz" | cmp - "$T/a.tar"
	expect_fail 1 tool pack "$T/b.tar" tar "x:=$T/l.gz@$((size - 1))"
	expect_match "$err" 'unpacks to another size'
}

test_copy_into_a_root() {
	make_tree "$T/ctx"
	mkdir -p "$T/root/usr/lib" "$T/root/etc" "$T/root/tmp"
	ln -s usr/lib "$T/root/lib"
	ln -s /etc "$T/root/conf"
	ln -s ../../../../tmp "$T/root/out"
	expect_ok tool copy "$T/ctx" "$T/root" "d/file=/app/bin/f" "d=/lib/d" "d/file=/conf/cloche-f" "d/file=/out/cloche-f"
	expect_eq "$(cat "$T/root/app/bin/f")" hello
	expect_eq "$(stat -c %a "$T/root/app/bin/f")" 4755
	cmp "$T/ctx/d/deep/large" "$T/root/usr/lib/d/deep/large"
	expect_eq "$(stat -c %y "$T/root/usr/lib/d/deep")" "$(stat -c %y "$T/ctx/d/deep")"
	expect_eq "$(readlink "$T/root/usr/lib/d/link")" ../elsewhere
	expect_file "$T/root/etc/cloche-f"
	expect_file "$T/root/tmp/cloche-f"
	expect_no_file /etc/cloche-f
	expect_no_file /tmp/cloche-f
	expect_ok tool copy "$T/ctx" "$T/root" chown=7:8 chmod=0600 "d/file=/app/bin/f" "d/file=/made/f"
	expect_ok tool make "$T/root/app" "$T/b.tar"
	expect_ok tool list "$T/b.tar"
	expect_match "$out" 'f 0600 7:8 6 .* bin/f'
	mkdir "$T/root/var"
	ln -s /run/lock "$T/root/var/lock"
	ln -s loop2 "$T/root/loop1"
	ln -s loop1 "$T/root/loop2"
	expect_ok tool copy "$T/ctx" "$T/root" "d/file=/var/lock/sub/f"
	expect_eq "$(cat "$T/root/run/lock/sub/f")" hello
	expect_fail 1 tool copy "$T/ctx" "$T/root" "d/file=/loop1/f"
	expect_fail 1 tool copy "$T/ctx" "$T/root" "d/file=/usr/lib"
	expect_match "$err" "a file can't replace it"
	expect_fail 1 tool copy "$T/ctx" "$T/root" "nothing=/x"
	expect_match "$err" "'nothing'.*No such file"
	expect_fail 1 tool copy "$T/ctx" "$T/root" "d/file=/a/../../x"
	expect_ok tool remove "$T" root
}

test_into_an_existing_root() {
	mkdir -p "$T/root/usr/lib" "$T/root/app" "$T/root/tmp"
	ln -s usr/lib "$T/root/lib"
	echo old >"$T/root/app/f"
	make_tree "$T/src"
	mkdir "$T/src/lib"
	echo lib >"$T/src/lib/l"
	tar -C "$T/src" -cf "$T/a.tar" .
	expect_ok tool apply "$T/a.tar" "$T/root" /app into plain
	expect_eq "$(cat "$T/root/app/d/file")" hello
	expect_eq "$(cat "$T/root/app/f")" old
	expect_ok tool apply "$T/a.tar" "$T/root" / into plain
	expect_eq "$(cat "$T/root/usr/lib/l")" lib
	make_tar symlink-absolute >"$T/b.tar"
	expect_ok tool apply "$T/b.tar" "$T/root" / into plain
	expect_file "$T/root/tmp/cloche-evil"
	expect_no_file /tmp/cloche-evil
	expect_ok tool remove "$T" root
}

test_hash_changes_with_what_counts() {
	local one
	hash() { tool hash "$T/src" "$@" 2>&1 | sed 's/.*digest=\([^ ]*\) .*/\1/'; }
	make_tree "$T/src"
	one=$(hash d empty)
	expect_match "$one" '^sha256:'
	expect_eq "$(hash d empty)" "$one"
	touch "$T/src/d/file"
	expect_eq "$(hash d empty)" "$one" "times do not count"
	[ "$(hash d)" != "$one" ] || fail "a part is not the whole"
	chmod 0700 "$T/src/d/file"
	[ "$(hash d empty)" != "$one" ] || fail "the mode counts"
	one=$(hash d empty)
	echo >>"$T/src/d/file"
	[ "$(hash d empty)" != "$one" ] || fail "the content counts"
	one=$(hash d empty)
	ln -sf other "$T/src/d/link"
	[ "$(hash d empty)" != "$one" ] || fail "a link's target counts"
	one=$(hash d empty)
	mv "$T/src/d/fifo" "$T/src/d/fifo2"
	[ "$(hash d empty)" != "$one" ] || fail "a name counts"
}

test_trees_that_a_layer_cannot_say() {
	mkdir -p "$T/src/d"
	touch "$T/src/d/.wh.x"
	expect_fail 1 tool make "$T/src" "$T/a.tar"
	expect_match "$err" "'d/.wh.x'.*names that begin with .wh."
	expect_ok tool make "$T/src" "$T/a.tar" plain
	need setfattr
	rm "$T/src/d/.wh.x"
	setfattr -n user.overlay.redirect -v /x "$T/src/d"
	expect_fail 1 tool make "$T/src" "$T/a.tar"
	expect_match "$err" "'d'.*reference to another file"
}

test_times_can_be_clamped() {
	make_tree "$T/src"
	expect_ok tool make "$T/src" "$T/a.tar" clamp=1000000000
	expect_ok tool list "$T/a.tar"
	expect_no_match "$out" ' 1[1-9][0-9]{8}\.'
	expect_match "$out" ' 981173106.789012345 d/deep/large'
	expect_match "$out" ' 1000000000.000000000 d/file'
}
