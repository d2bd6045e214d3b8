# Archives of other tools are loaded, ours are read by them, and the store is read in place.
# users: root nosubids subids
# once: test_broken_archives_leave_nothing test_docker_archives_of_all_ages

made() {
	python3 "$SRC/tests/lib/docker_archive.py" "$1" "$2"
}

expect_made_image() {
	expect_eq "$(cloche export made:1 | tar -xO b.txt)" second
	expect_eq "$(cloche export made:1 | tar -t)" b.txt
	expect_eq "$(cloche inspect -f '{{.Config.Cmd}} {{.Config.Env}}' made:1)" "[/b.txt] [A=b]"
}

expect_empty_store() {
	expect_eq "$(find "$T/root/blobs" "$T/root/layers" "$T/root/refs" "$T/root/tmp" "$T/root/trash" -mindepth 2 | tr -d '\n')" ""
}

test_docker_archives_of_all_ages() {
	local kind id
	for kind in classic links hybrid; do
		id=$(made "$kind" "$kind.tar")
		expect_ok cloche load -i "$kind.tar"
		expect_eq "$out" "Loaded image: made:1"
		expect_eq "$(cloche images -q --no-trunc made:1)" "$id" "$kind"
		expect_made_image
		cloche rmi made:1 >/dev/null
		expect_empty_store
		gzip -c "$kind.tar" | cloche load >/dev/null
		expect_made_image
		cloche rmi made:1 >/dev/null
	done
}

test_docker_containerd_and_old() {
	local kind
	for kind in containerd buildx old; do
		made "$kind" "$kind.tar"
		expect_ok cloche load -i "$kind.tar"
		expect_made_image
		cloche rmi made:1 >/dev/null
	done
	cloche load -i old.tar >/dev/null
	expect_match "$(cloche history made:1)" "step 2"
}

test_broken_archives_leave_nothing() {
	local kind
	while read -r kind wanted; do
		made "$kind" broken.tar
		expect_fail 125 cloche load -i broken.tar
		expect_match "$err" "$wanted"
		expect_eq "$(wc -l <"$T/.err")" "$(grep -c '^cloche: \|^  hint: ' "$T/.err")" "one error for $kind"
		expect_eq "$(cloche images -q)" ""
		expect_empty_store
		if [ "$kind" != truncated ]; then
			gzip -c broken.tar >broken.tar.gz
			expect_fail 125 cloche load -i broken.tar.gz
			expect_match "$err" "$wanted"
			expect_empty_store
		fi
	done <<-END
		lie layer 2 of 2
		lost_layer no member
		wrong_config has the digest
		circle no member
		escape no member
		bad_name image reference
		too_few 1 Layers, and 2 diff ids
		many_layers 600 layers are over the limit
		big_manifest over the limit
		nothing this is no image
		truncated cut off
		foreign_platform there is no image for linux
	END
}

test_an_image_without_layers() {
	made no_layers none.tar
	expect_ok cloche load -i none.tar
	expect_eq "$(cloche export made:1 | tar -t)" ""
	expect_eq "$(cloche save made:1 | "$CLOCHE" --root "$T/other" load)" "Loaded image: made:1"
	expect_match "$(cloche inspect --layers made:1)" "PROBLEM +/b.txt is not in the image"
}

test_an_unpacked_archive_is_a_folder() {
	made classic a.tar
	mkdir a
	tar -C a -xf a.tar
	expect_ok cloche load -i a
	expect_made_image
	ln -sf /etc/passwd a/manifest.json
	expect_fail 125 cloche load -i a
}

test_skopeo() {
	local id
	need skopeo
	use_busybox
	id=$(cloche images -q --no-trunc)
	# the store as it lies there
	expect_ok skopeo inspect --config "oci:$T/root:docker.io/library/busybox:latest"
	for to in "docker-archive:$PWD/d.tar:sk/d:1" "oci-archive:$PWD/o.tar:sk/o:1" "oci:$PWD/layout:sk/l:1"; do
		skopeo copy -q --insecure-policy "oci:$T/root:docker.io/library/busybox:latest" "$to"
	done
	cloche load -i d.tar >/dev/null
	cloche load -i o.tar >/dev/null
	cloche load -i layout >/dev/null
	for name in sk/d:1 sk/o:1 sk/l:1; do
		expect_eq "$(cloche images -q --no-trunc "$name")" "$id" "$name"
	done
	cloche save -o ours.tar busybox
	expect_ok skopeo inspect --config "docker-archive:$PWD/ours.tar"
	cloche save --format oci-archive -o ours.oci busybox
	expect_ok skopeo inspect --config "oci-archive:$PWD/ours.oci"
}

test_podman_reads_ours_and_we_its() {
	local id pod
	need podman
	[ "$KIND" = root ] || skip "podman needs a home of its own here"
	use_busybox
	id=$(cloche images -q --no-trunc)
	pod=(podman --root "$T/pod" --runroot "$T/podrun" --storage-driver vfs)
	cloche save busybox | "${pod[@]}" load -q >/dev/null
	expect_eq "$("${pod[@]}" images -q --no-trunc)" "$id"
	"${pod[@]}" save -q --format oci-archive -o p.oci busybox
	"${pod[@]}" save -q -o p.tar busybox
	cloche rmi busybox >/dev/null
	expect_match "$(cloche load -i p.oci)" "Loaded image: .*busybox:latest"
	expect_ok cloche load -i p.tar
	expect_eq "$(cloche images -q --no-trunc)" "$id"
	expect_match "$(cloche images busybox)" "busybox"
}

test_umoci() {
	need umoci
	mkdir fs
	echo hello >fs/file
	umoci init --layout lay
	umoci new --image lay:v1
	umoci insert --rootless --image lay:v1 fs /
	umoci config --image lay:v1 --config.cmd /file
	expect_ok cloche load -i lay
	expect_eq "$out" "Loaded image: lay:v1"
	expect_eq "$(cloche export lay:v1 | tar -xO file)" hello
	use_busybox
	expect_match "$(umoci ls --layout "$T/root")" "docker.io/library/busybox:latest"
}

test_same_image_from_two_archives_is_one() {
	need skopeo
	use_busybox
	skopeo copy -q --insecure-policy "oci:$T/root:docker.io/library/busybox:latest" "oci-archive:$PWD/o.tar:other:1"
	cloche load -i o.tar >/dev/null
	expect_eq "$(ls "$T/root/layers" | wc -l)" 1
	expect_eq "$(cloche images -q | wc -l)" 1
	expect_ok cloche rmi -f "$(cloche images -q)"
	expect_empty_store
}
