# save --smallest and save --compression: every byte counts, and every loader still loads.
# users: root nosubids subids
# timeout: 120
# once: test_more_than_a_block test_refusals test_compression test_example_is_small_and_sleeps
# once: test_any_image_stays_what_it_is

use_smallest() {
	need gcc objcopy
	expect_ok "$SRC/examples/smallest/make.sh" "$T"
	zcat "$T/smallest.tar.gz" >"$T/plain.tar"
}

# load_and_sleep ARCHIVE: the program is what pid 1 is, and it sleeps.
load_and_sleep() {
	local id
	expect_ok cloche load -i "$1"
	id=${out##*: }
	expect_ok cloche run -d --name sleeper --network none "$id" /t
	expect_ok cloche inspect -f '{{.State.Running}}' sleeper
	expect_eq "$out" true "$1"
	expect_ok cloche rm -f sleeper
	expect_ok cloche rmi "$id"
}

test_example_is_small_and_sleeps() {
	[ "$(uname -m)" = x86_64 ] || skip "the example is for x86_64"
	use_smallest
	local size
	size=$(stat -c %s "$T/smallest.tar.gz")
	[ "$size" -le 244 ] || expect_eq "$size" "at most 244"
	size=$(stat -c %s "$T/smallest.tar.zst")
	[ "$size" -le 236 ] || expect_eq "$size" "at most 236"
	zstd -qdc "$T/smallest.tar.zst" | cmp - "$T/plain.tar"
	load_and_sleep "$T/plain.tar"
	load_and_sleep "$T/smallest.tar.gz"
	load_and_sleep "$T/smallest.tar.zst"
}

test_others_load_the_example() {
	need skopeo
	[ "$(uname -m)" = x86_64 ] || skip "the example is for x86_64"
	use_smallest
	local file
	# Debian 12's skopeo reads no gzip here, not even of its own archives.
	for file in plain.tar smallest.tar.zst; do
		rm -rf "$T/dir"
		expect_ok skopeo --insecure-policy copy -q "docker-archive:$T/$file" "dir:$T/dir"
		expect_ok grep -rlaF "$(printf '\177ELF\260\042\017\005')" "$T/dir"
	done
	[ "$KIND" = root ] || return 0
	need podman
	expect_ok podman --root "$T/podman" --runroot "$T/podman-run" --storage-driver vfs load -i "$T/smallest.tar.zst"
	expect_match "$out" "Loaded image: sha256"
}

# All that a file is stays: what find and a checksum see of a container's root.
see_all() {
	cloche run --rm --network none "$1" sh -c 'cd / && find bin etc/passwd own -exec stat -c "%n %F %a %u:%g %h %s %Y %N" {} + | sort
		find etc/passwd own -type f -exec sha256sum {} + | sort; echo "$GREETING"; pwd; id -u'
}

test_any_image_stays_what_it_is() {
	use_busybox
	mkdir "$T/context"
	cat >"$T/context/Dockerfile" <<-'END'
		FROM busybox
		ENV GREETING="hello there"
		RUN mkdir /own && echo mine >/own/file && chown -R 1234:70 /own && chmod 4751 /own/file && ln /own/file /own/hard \
			&& ln -s file /own/soft && touch -d @1000000000 /own/file && mkfifo /own/fifo \
			&& echo x >/own/a-name-that-is-long-enough-for-a-header-to-have-no-room-for-it-in-the-field-of-a-hundred-bytes-that-v7-gave
		RUN rm /etc/os-release
		WORKDIR /own
	END
	expect_ok cloche build -q -t before "$T/context"
	see_all before >"$T/before"
	expect_ok cloche save --smallest --compression zstd -o "$T/image" before busybox
	expect_ok cloche rmi -f before
	expect_ok cloche load -i "$T/image"
	see_all before >"$T/after"
	expect_ok diff "$T/before" "$T/after"
	expect_ok cloche inspect -f '{{json .Config.Env}} {{len .RootFS.Layers}}' before
	expect_match "$out" '"GREETING=hello there".* 3'
}

# zopfli goes block by block of a MB; what it makes must be one stream.
test_more_than_a_block() {
	use_busybox
	mkdir "$T/context"
	head -c 1200000 /bin/busybox >"$T/context/data"
	printf 'FROM scratch\nCOPY data /\n' >"$T/context/Dockerfile"
	expect_ok cloche build -q -t big "$T/context"
	expect_ok cloche save --smallest -o "$T/big.gz" big
	expect_ok cloche save --smallest --compression none -o "$T/big.tar" big
	zcat "$T/big.gz" | cmp - "$T/big.tar"
	gzip -9c "$T/big.tar" >"$T/usual.gz"
	[ "$(stat -c %s "$T/big.gz")" -lt "$(stat -c %s "$T/usual.gz")" ]
}

test_compression() {
	use_busybox
	cloche save -o "$T/plain.tar" busybox
	expect_ok cloche save --compression gzip -o "$T/a.gz" busybox
	zcat "$T/a.gz" | cmp - "$T/plain.tar"
	expect_ok cloche save --compression zstd -o "$T/a.zst" busybox
	zstd -qdc "$T/a.zst" | cmp - "$T/plain.tar"
}

test_refusals() {
	use_busybox
	expect_fail 125 cloche save --smallest --format oci-archive -o "$T/x" busybox
	expect_match "$err" "only a docker-archive can be the smallest"
	expect_no_file "$T/x"
	expect_fail 125 cloche save --compression gzip --format oci-archive -o "$T/x" busybox
	expect_match "$err" "only a docker-archive is compressed as a whole"
	expect_fail 125 cloche save --compression lz4 -o "$T/x" busybox
	expect_match "$err" "none, gzip and zstd are"
}
