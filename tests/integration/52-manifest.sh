# Lists of images for several machines: manifest create, add, annotate, inspect, push, rm; beside podman and skopeo.
# needs: docker-registry python3 skopeo
# once: test_images_of_registries_go_from_there test_a_list_from_the_store_to_a_registry_and_back

. "$SRC/tests/lib/registry.sh"

other() {
	"$CLOCHE" --root "$T/other" --runroot "$T/other-run" "$@"
}

# Images "one" (amd64) and "two" (arm64 v8) of the store.
make_images() {
	cloche import --platform linux/amd64 "$FIXTURES/busybox.tar" one >/dev/null
	cloche import --platform linux/arm64/v8 "$FIXTURES/busybox.tar" two >/dev/null
}

# field EXPRESSION: of the list in $out.
field() {
	python3 -c "import json, sys; l = json.loads(sys.argv[1]); print($1)" "$out"
}

test_a_list_from_the_store_to_a_registry_and_back() {
	use_busybox
	make_images
	start_registry
	expect_ok cloche manifest create me/web:1 one
	expect_match "$out" '^[0-9a-f]{64}$'
	expect_ok cloche manifest add me/web:1 two
	expect_ok cloche manifest inspect me/web:1
	expect_eq "$(field '[(m["platform"]["architecture"], m["platform"].get("variant")) for m in l["manifests"]]')" \
		"[('amd64', None), ('arm64', 'v8')]"
	expect_no_match "$out" 'io.cloche'
	expect_ok cloche manifest push --tls-verify=false --digestfile "$T/digest" me/web:1 "docker://$host/me/web:1"
	expect_eq "$out" "$(cat "$T/digest")"
	expect_ok skopeo inspect --raw --tls-verify=false "docker://$host/me/web:1"
	expect_eq "$(printf %s "$out" | sha256sum | cut -d' ' -f1)" "$(sed s/sha256:// "$T/digest")"
	for arch in amd64 arm64; do
		expect_ok other pull -q --tls-verify=false --platform "linux/$arch" "$host/me/web:1"
		expect_ok other inspect --format '{{.Architecture}}' "$host/me/web:1"
		expect_eq "$out" "$arch"
	done
	expect_ok other manifest inspect --tls-verify=false "$host/me/web:1"
	expect_eq "$(field 'len(l["manifests"])')" 2
	expect_ok other manifest inspect --insecure -v "$host/me/web:1"
	expect_eq "$(field 'l[1]["Descriptor"]["platform"]["architecture"]')" arm64
	expect_eq "$(field 'l[0]["OCIManifest"]["schemaVersion"]')" 2
	# Nothing was pulled for that.
	expect_ok other images -q --filter dangling=true
	stop_registry
}

test_images_of_registries_go_from_there() {
	use_busybox
	make_images
	start_registry
	cloche push -q --tls-verify=false one "$host/a/one:1"
	cloche push -q --tls-verify=false two "$host/a/two:1"
	expect_ok other manifest create --tls-verify=false web "docker://$host/a/one:1" "$host/a/two:1"
	expect_eq "$(find "$T/other/blobs" -type f | wc -l)" 0
	expect_ok other manifest push --tls-verify=false --rm web "docker://$host/b/web:1"
	expect_eq "$(find "$T/other/blobs" -type f | wc -l)" 0
	expect_fail 1 other manifest exists web
	expect_ok skopeo copy -q --all --src-tls-verify=false "docker://$host/b/web:1" "dir:$T/all"
	expect_eq "$(ls all/*.manifest.json | wc -l)" 2
	# A list as part of a list: one of its images, or all.
	expect_ok other manifest create --tls-verify=false all
	expect_ok other manifest add --tls-verify=false --all all "$host/b/web:1"
	expect_ok other manifest inspect all
	expect_eq "$(field 'len(l["manifests"])')" 2
	expect_ok other manifest create --tls-verify=false one "$host/b/web:1"
	expect_ok other manifest inspect one
	expect_eq "$(field 'len(l["manifests"])')" 1
	# From another place, which is brought to the store.
	expect_ok other manifest add one "dir:$T/all"
	stop_registry
}

test_entries_are_changed_and_taken_out() {
	local digest
	use_busybox
	make_images
	cloche manifest create list one two >/dev/null
	digest=$(cloche inspect --raw store:two | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')
	expect_ok cloche manifest annotate --arch arm --variant v7 --os-version 10 --os-features a --annotation key=value list "$digest"
	expect_ok cloche manifest annotate --variant v6 list two
	expect_ok cloche manifest inspect list
	expect_eq "$(field '[m for m in l["manifests"] if m["digest"] == "'"$digest"'"][0]["platform"]')" \
		"{'architecture': 'arm', 'os': 'linux', 'os.version': '10', 'os.features': ['a'], 'variant': 'v6'}"
	expect_match "$out" '"key": "value"'
	# The same image again is no second entry.
	expect_ok cloche manifest add list two
	expect_ok cloche manifest inspect list
	expect_eq "$(field 'len(l["manifests"])')" 2
	expect_ok cloche manifest remove list "$digest"
	expect_ok cloche manifest inspect list
	expect_eq "$(field 'len(l["manifests"])')" 1
	expect_fail 125 cloche manifest remove list "$digest"
	expect_match "$err" "has no entry $digest"
	expect_fail 125 cloche manifest annotate --annotation nothing list one
	expect_match "$err" "KEY=VALUE"
	expect_fail 125 cloche manifest annotate --annotation io.cloche.from=docker://elsewhere/x list one
	expect_match "$err" "kept for Cloche itself"
	expect_ok cloche manifest exists list
	expect_ok cloche manifest rm list
	expect_eq "$out" "Deleted: list"
	expect_fail 1 cloche manifest rm list
	expect_match "$err" "there is no list"
}

test_lists_keep_their_images() {
	use_busybox
	make_images
	cloche manifest create list one two >/dev/null
	expect_ok cloche rmi one two busybox
	expect_ok cloche system prune -af
	expect_ok cloche manifest push list "oci:$T/layout:x"
	expect_ok cloche inspect --platform linux/arm64 --format '{{.Architecture}}' "oci:$T/layout:x"
	expect_eq "$out" arm64
	expect_ok cloche manifest rm list
	expect_ok cloche system prune -af
	expect_eq "$(find "$T/root/blobs" -type f | wc -l)" 0
}

test_mistakes_with_lists() {
	use_busybox
	make_images
	expect_ok cloche manifest create list
	expect_fail 125 cloche manifest create list
	expect_match "$err" "there is a list 'list' already"
	expect_ok cloche manifest create --amend list one
	expect_fail 125 cloche manifest create half one docker://nosuch.invalid/x
	expect_fail 1 cloche manifest exists half
	expect_fail 125 cloche manifest add nolist one
	expect_match "$err" "there is no list"
	expect_ok cloche manifest create empty
	expect_fail 125 cloche manifest push empty oci:x
	expect_match "$err" "is empty"
	expect_fail 125 cloche manifest inspect nosuch.invalid/x
	expect_match "$err" "look up 'nosuch.invalid'"
	echo broken >"$T/root/lists/$(printf docker.io/library/empty:latest | sha256sum | cut -d' ' -f1)"
	expect_fail 125 cloche manifest inspect empty
	# The collector doesn't throw away what it can't be sure of.
	cloche rmi two >/dev/null
	expect_ok cloche images
	expect_ok cloche manifest rm empty
}

test_podman_takes_our_lists() {
	need podman
	[ "$KIND" = root ] || skip "podman as root is enough"
	use_busybox
	make_images
	start_registry
	cloche manifest create web one two >/dev/null
	expect_ok cloche manifest push -q --tls-verify=false web "$host/web:1"
	expect_ok podman --root "$T/pod" --runroot "$T/pod-run" --storage-driver vfs manifest create theirs
	expect_ok podman --root "$T/pod" --runroot "$T/pod-run" --storage-driver vfs manifest add --tls-verify=false --all theirs "docker://$host/web:1"
	expect_ok podman --root "$T/pod" --runroot "$T/pod-run" --storage-driver vfs manifest push --all --tls-verify=false theirs "docker://$host/theirs:1"
	expect_ok cloche manifest inspect --tls-verify=false "$host/theirs:1"
	expect_eq "$(field 'len(l["manifests"])')" 2
	stop_registry
}
