# fsck finds what is damaged, says so, and repairs it.
# users: root nosubids subids
# once: test_repair_from_a_layout test_words test_killed_while_it_repairs test_no_source
# timeout: 60

# An image with owners, a mode, a whiteout and a folder that hides another.
use_image() {
	use_busybox
	mkdir "$T/context"
	cat >"$T/context/Dockerfile" <<-'END'
		FROM busybox
		RUN mkdir /own && echo mine >/own/file && chown -R 1234:70 /own && chmod 4751 /own/file && touch -d @1000000000 /own/file
		RUN rm -r /own && mkdir /own && rm /etc/os-release
	END
	SOURCE_DATE_EPOCH=1000 expect_ok cloche build -q -t mine "$T/context"
}

test_all_is_well() {
	use_image
	expect_ok cloche fsck
	expect_match "$out" "2 images and 3 unpacked layers looked at: all is well"
	expect_ok cloche fsck --format json
	expect_eq "$out" "[]"
}

test_damaged_tree() {
	use_image
	local file
	file=$(find "$T"/root/layers/*/fs/own/file)
	echo "more" >>"$file" 2>/dev/null || { chmod u+w "$file" && echo more >>"$file"; } || skip "the file is another's"
	expect_fail 1 cloche fsck
	expect_match "$out" "layer sha256:[0-9a-f]+: the unpacked files are not what its archive has"
	cloche create --name user --network none mine true >/dev/null
	expect_fail 1 cloche fsck --repair
	expect_match "$out" "not repaired: containers are made of it"
	cloche rm user >/dev/null
	expect_ok cloche fsck --repair
	expect_match "$out" "; repaired"
	expect_match "$out" "all is well again"
	expect_ok cloche fsck
	expect_ok cloche run --rm --network none mine ls /own
}

test_repair_from_a_layout() {
	use_image
	local blob count=0
	expect_ok cloche copy store:mine "oci:$T/layout:mine"
	for blob in "$T"/layout/blobs/sha256/*; do
		[ -e "$T/root/blobs/sha256/${blob##*/}" ] || continue
		rot "$T/root/blobs/sha256/${blob##*/}"
		expect_fail 1 cloche fsck --format json
		expect_match "$out" "\"Name\": \"sha256:${blob##*/}\""
		expect_ok cloche fsck --repair --from "oci:$T/layout:mine"
		cmp "$blob" "$T/root/blobs/sha256/${blob##*/}"
		rm "$T/root/blobs/sha256/${blob##*/}"
		expect_ok cloche fsck --repair --from "oci:$T/layout:mine"
		cmp "$blob" "$T/root/blobs/sha256/${blob##*/}"
		count=$((count + 1))
	done
	[ "$count" -ge 5 ] || expect_eq "$count" "at least 5"
	expect_ok cloche fsck
}

still_runs() {
	expect_ok cloche run --rm --network none mine true
}

# Killed wherever it renames or removes something, it leaves a store in which the image runs or is repaired by the next.
test_killed_while_it_repairs() {
	need_strace
	use_image
	local file
	file=$(find "$T"/root/layers/*/fs/own/file)
	echo more >>"$file" 2>/dev/null || { chmod u+w "$file" && echo more >>"$file"; }
	AFTER_KILL=still_runs kill_at_each renameat,renameat2 cloche fsck --repair
	expect_ok cloche fsck
}

test_no_source() {
	use_image
	local blob
	blob=$(find "$T/root/blobs/sha256" -type f -size +100k | head -1)
	cloche tag busybox localhost:1/none
	cloche rmi mine busybox >/dev/null
	rot "$blob"
	expect_fail 1 cloche fsck --repair
	expect_match "$out" "blob sha256:${blob##*/}: its bytes are not what its digest says; not repaired: .*localhost:1"
}

test_words() {
	expect_fail 125 cloche fsck --from oci:x
	expect_match "$err" "without it there is nothing to get"
	expect_fail 125 cloche fsck --format yaml
}
