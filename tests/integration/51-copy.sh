# Images from place to place: copy, and inspect of what stays where it is; beside skopeo.
# needs: docker-registry python3 skopeo
# once: test_every_place_keeps_the_digest test_lists_whole_or_for_one_platform test_inspect_as_skopeo_does

. "$SRC/tests/lib/registry.sh"

other() {
	"$CLOCHE" --root "$T/other" --runroot "$T/other-run" "$@"
}

# The digest of the image "busybox".
digest_of() {
	cloche inspect --raw "$@" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'
}

test_every_place_keeps_the_digest() {
	local digest from to places
	use_busybox
	start_registry
	digest=$(digest_of store:busybox)
	from=store:busybox
	places=("docker://$host/me/box:1" oci:layout:one "oci-archive:$T/one.tar:x" dir:folder "docker://$host/other/box:2" \
		"oci-archive:$T/two.tar" oci:layout:two)
	for to in "${places[@]}"; do
		expect_ok cloche copy --tls-verify=false --digestfile "$T/digest" "$from" "$to"
		expect_eq "$out" "$to: copied, digest $digest"
		expect_eq "$(cat "$T/digest")" "$digest"
		expect_eq "$(digest_of --tls-verify=false "$to")" "$digest" "$to"
		from=$to
	done
	for from in "${places[@]}"; do
		expect_ok other copy -q --src-tls-verify=false "$from" store:copied
		expect_ok other run --rm --network none copied echo "$from"
		expect_eq "$out" "$from"
		expect_ok other images -q --no-trunc copied
		expect_eq "$out" "$(cloche images -q --no-trunc busybox)"
		expect_ok other rmi copied
	done
	expect_eq "$(find "$T" -name '*.part' -o -name '*.tmp' | wc -l)" 0
	stop_registry
}

test_docker_archives() {
	use_busybox
	expect_ok cloche copy store:busybox "docker-archive:$T/one.tar:me/box:7"
	expect_ok other copy "docker-archive:$T/one.tar" store:first
	expect_ok other copy "docker-archive:$T/one.tar:me/box:7" store:second
	expect_ok other copy "docker-archive:$T/one.tar:@0" store:third
	expect_ok other run --rm --network none third echo runs
	expect_eq "$out" runs
	expect_fail 125 other copy "docker-archive:$T/one.tar:@1" store:x
	expect_match "$err" 'it has 1 images'
	expect_fail 125 other copy "docker-archive:$T/one.tar:me/box:8" store:x
	expect_match "$err" "there is no image 'me/box:8' in it"
	expect_ok skopeo copy -q "docker-archive:$T/one.tar:me/box:7" "dir:$T/theirs"
}

test_skopeo_reads_what_we_write_and_we_what_it_does() {
	local place
	use_busybox
	cloche copy -q store:busybox dir:ours
	for place in dir:ours oci:layout:x "oci-archive:$T/a.tar:x"; do
		expect_ok cloche copy -q store:busybox "$place"
		rm -rf theirs
		expect_ok skopeo copy -q "$place" dir:theirs
		cmp ours/manifest.json theirs/manifest.json || fail "$place: another manifest"
	done
	for place in dir:s oci:s-layout:x "oci-archive:$T/s.tar:x"; do
		expect_ok skopeo copy -q --preserve-digests dir:ours "$place"
		rm -rf back
		expect_ok cloche copy -q "$place" dir:back
		cmp ours/manifest.json back/manifest.json || fail "$place: another manifest"
	done
	expect_ok skopeo copy -q --format v2s2 dir:ours dir:v2s2
	expect_ok cloche copy -q --format v2s2 dir:ours dir:our-v2s2
	expect_eq "$(cloche inspect --format '{{.Layers}}' dir:v2s2)" "$(cloche inspect --format '{{.Layers}}' dir:our-v2s2)"
	expect_match "$(cat our-v2s2/manifest.json)" 'distribution.manifest.v2'
	expect_ok cloche copy -q --format oci dir:v2s2 dir:back-again
	expect_match "$(cat back-again/manifest.json)" 'oci.image.manifest.v1'
}

# Three images of one list, made of one whose configuration says other machines.
make_list() {
	python3 - "$T/layout" <<-'END'
		import hashlib, json, os, sys
		top = sys.argv[1]
		def blob(data):
		    name = hashlib.sha256(data).hexdigest()
		    with open(f"{top}/blobs/sha256/{name}", "wb") as f:
		        f.write(data)
		    return {"digest": "sha256:" + name, "size": len(data)}
		def read(d):
		    with open(f"{top}/blobs/sha256/" + d["digest"][7:], "rb") as f:
		        return json.loads(f.read())
		index = json.load(open(f"{top}/index.json"))
		first = index["manifests"][0]
		entries = []
		for arch, variant in (("amd64", None), ("arm64", "v8"), ("arm", "v7")):
		    manifest = read(first)
		    config = read(manifest["config"])
		    config["architecture"] = arch
		    manifest["config"].update(blob(json.dumps(config).encode()))
		    platform = {"architecture": arch, "os": "linux"}
		    if variant:
		        platform["variant"] = variant
		    entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json",
		                    **blob(json.dumps(manifest).encode()), "platform": platform})
		inner = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
		index["manifests"] = [{"mediaType": inner["mediaType"], **blob(json.dumps(inner).encode()),
		                       "annotations": {"org.opencontainers.image.ref.name": "list"}}]
		json.dump(index, open(f"{top}/index.json", "w"))
	END
}

test_lists_whole_or_for_one_platform() {
	local digest
	use_busybox
	start_registry
	cloche save --format oci-dir -o "$T/layout" busybox
	make_list
	digest=$(digest_of oci:layout:list)
	expect_ok cloche copy --all --dest-tls-verify=false oci:layout:list "docker://$host/multi:1"
	expect_eq "$out" "docker://$host/multi:1: copied, digest $digest"
	expect_ok skopeo inspect --raw --tls-verify=false "docker://$host/multi:1"
	expect_match "$out" '"arm64"'
	# From repository to repository of one registry, and out of it.
	expect_ok cloche copy --multi-arch all --tls-verify=false "docker://$host/multi:1" "docker://$host/other/multi:2"
	expect_ok cloche copy --all --tls-verify=false "docker://$host/other/multi:2" oci:out:x
	expect_eq "$(digest_of oci:out:x)" "$digest"
	expect_ok cloche copy --all --tls-verify=false "docker://$host/other/multi:2" dir:all
	expect_eq "$(ls all/*.manifest.json | wc -l)" 3
	expect_ok cloche copy --all --format v2s2 dir:all dir:all-docker
	expect_match "$(cat all-docker/manifest.json)" 'manifest.list.v2'
	expect_no_match "$(cat all-docker/*manifest.json)" 'vnd.oci'
	# One of them.
	for arch in arm64 arm/v7; do
		expect_ok cloche inspect --tls-verify=false --platform "linux/$arch" --format '{{.Architecture}}' "docker://$host/multi:1"
		expect_eq "$out" "${arch%/*}"
		expect_ok other pull -q --tls-verify=false --platform "linux/$arch" "$host/multi:1"
		expect_ok other inspect --format '{{.Architecture}}' "$host/multi:1"
		expect_eq "$out" "${arch%/*}"
	done
	expect_ok cloche copy --platform linux/arm64 dir:all dir:one
	expect_match "$(cat one/manifest.json)" '"config"'
	expect_fail 125 cloche copy --platform linux/s390x dir:all dir:none
	expect_match "$err" 'only for: linux/amd64, linux/arm64/v8, linux/arm/v7'
	expect_fail 125 cloche copy --all dir:all store:x
	expect_match "$err" 'store: has no lists'
	expect_fail 125 cloche copy --all --platform linux/arm dir:all dir:x
	stop_registry
}

test_nothing_passes_through_the_store() {
	use_busybox
	start_registry
	expect_ok cloche copy -q --tls-verify=false store:busybox "docker://$host/a/box:1"
	expect_ok "$CLOCHE" --root "$T/none" --runroot "$T/none-run" copy --tls-verify=false "docker://$host/a/box:1" "docker://$host/b/box:1"
	expect_no_file "$T/none"
	expect_ok cloche copy --tls-verify=false "docker://$host/a/box:1" "docker://$host/b/box:1"
	expect_match "$out" 'up to date'
	mkdir tmp
	TMPDIR=$T/tmp expect_ok cloche copy -q --tls-verify=false "docker://$host/a/box:1" oci:x
	expect_eq "$(ls -A tmp)" ""
	TMPDIR=$T/missing expect_fail 125 cloche copy -q --tls-verify=false "docker://$host/a/box:1" oci:y
	expect_match "$err" "make a temporary file in '$T/missing'"
	stop_registry
}

test_damage_is_found_before_it_is_handed_on() {
	local blob
	use_busybox
	cloche copy -q store:busybox dir:good
	cp -r good bad
	blob=$(ls -S bad | grep -v json | head -1)
	printf x | dd of="bad/$blob" bs=1 seek=1000 conv=notrunc status=none
	expect_fail 125 cloche copy dir:bad oci:out
	expect_match "$err" "blob sha256:$blob: the digest is sha256:"
	expect_no_file out/index.json
	expect_fail 125 other copy dir:bad store:out
	expect_match "$err" 'digest|no tar header'
	rm -r bad && cp -r good bad && rm "bad/$blob"
	expect_fail 125 cloche copy dir:bad oci:out
	truncate -s 10 "bad/$blob"
	expect_fail 125 cloche copy dir:bad oci:out
	expect_match "$err" "has 10 bytes, the manifest says"
	echo '{}' >bad/manifest.json
	expect_fail 125 cloche copy dir:bad oci:out
	ln -sf /etc/passwd bad/manifest.json
	expect_fail 125 cloche copy dir:bad oci:out
}

test_mistakes_of_copy() {
	use_busybox
	expect_fail 125 cloche copy busybox oci:x
	expect_match "$err" "'busybox' doesn't say where the image is"
	expect_match "$err" 'hint: begin with docker://'
	expect_fail 125 cloche copy containers-storage:x oci:x
	expect_match "$err" "hint: 'podman save"
	expect_fail 125 cloche copy store:nosuch oci:x
	expect_match "$err" "there is no image 'nosuch'"
	expect_fail 125 cloche copy store:busybox oci:
	mkdir full && touch full/file
	expect_fail 125 cloche copy store:busybox dir:full
	expect_match "$err" "has other files in it"
	expect_fail 125 cloche copy store:busybox oci:full
	cloche copy -q store:busybox oci:l:one
	cloche copy -q store:busybox oci:l:two
	expect_fail 125 cloche copy oci:l dir:x
	expect_match "$err" "hint: these have names: one, two"
	expect_fail 125 cloche copy oci:l:three dir:x
	expect_fail 125 cloche copy --format v1 oci:l:one dir:x
	expect_fail 125 cloche copy --dest-compress oci:l:one dir:x
	expect_match "$err" 'later version'
	expect_fail 125 cloche copy --preserve-digests store:busybox docker-archive:kept.tar
	expect_match "$err" "which --preserve-digests forbids"
	expect_no_file kept.tar
}

test_inspect_as_skopeo_does() {
	use_busybox
	start_registry
	expect_ok cloche copy -q --tls-verify=false store:busybox "docker://$host/me/box:1"
	expect_ok cloche inspect --tls-verify=false "docker://$host/me/box:1"
	echo "$out" >ours
	skopeo inspect --tls-verify=false "docker://$host/me/box:1" >theirs
	# Debian's skopeo doesn't know LayersData yet.
	expect_ok python3 -c 'import json
ours, theirs = json.load(open("ours")), json.load(open("theirs"))
for name in theirs:
    assert ours[name] == theirs[name], (name, ours[name], theirs[name])
assert set(ours) - set(theirs) <= {"LayersData"}, ours'
	expect_ok cloche inspect --tls-verify=false "docker://$host/me/box:1"
	expect_match "$out" '^\{'
	expect_match "$out" '"LayersData": \['
	expect_ok cloche inspect --tls-verify=false --no-tags --format '{{json .RepoTags}}' "docker://$host/me/box:1"
	expect_eq "$out" '[]'
	expect_ok cloche inspect --config --tls-verify=false "docker://$host/me/box:1"
	expect_match "$out" '"rootfs"'
	expect_ok cloche inspect --raw --config --tls-verify=false "docker://$host/me/box:1"
	expect_eq "$out" "$(skopeo inspect --raw --config --tls-verify=false "docker://$host/me/box:1")"
	expect_fail 125 cloche inspect --raw busybox
	expect_match "$err" 'images elsewhere only'
	expect_fail 125 cloche inspect busybox store:busybox
	expect_fail 125 cloche inspect --layers store:busybox
	stop_registry
}

test_copies_that_are_killed_leave_what_was_there() {
	need_strace
	use_busybox
	cloche copy -q store:busybox oci:layout:one
	kill_at_each renameat,rename,renameat2 cloche copy -q store:busybox oci:layout:two
	expect_ok cloche copy -q oci:layout:one dir:one
	expect_ok cloche copy -q oci:layout:two dir:two
}
