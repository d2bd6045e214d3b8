# Whole repositories between registries and folders: sync; and delete. Beside skopeo.
# needs: docker-registry python3 skopeo
# once: test_a_repository_to_a_folder_and_back test_one_that_fails test_from_registry_to_registry test_delete

. "$SRC/tests/lib/registry.sh"

fill_registry() {
	local tag
	use_busybox
	start_registry
	for tag in 1 2 latest; do
		cloche copy -q --dest-tls-verify=false store:busybox "docker://$host/team/box:$tag"
	done
	printf 'FROM busybox\nLABEL a=b\n' >Dockerfile
	cloche build -q -t other . >/dev/null
	cloche copy -q --dest-tls-verify=false store:other "docker://$host/team/other:x"
}

tags() {
	cloche images --remote -q --tls-verify=false "$1" | sort | tr '\n' ' '
}

test_a_repository_to_a_folder_and_back() {
	fill_registry
	expect_ok cloche sync --src docker --dest dir --tls-verify=false "$host/team/box" "$T/usb"
	expect_eq "$(echo "$out" | wc -l)" 3
	expect_ok cloche sync --src docker --dest dir --scoped --tls-verify=false "$host/team/other:x" "$T/scoped"
	expect_file "scoped/$host/team/other:x/manifest.json"
	expect_eq "$(cd usb && find . -name manifest.json | sort | tr '\n' ' ')" \
		"./box:1/manifest.json ./box:2/manifest.json ./box:latest/manifest.json "
	expect_ok skopeo sync --src docker --dest dir --src-tls-verify=false "$host/team/box" "$T/theirs"
	diff -r "$T/theirs" "$T/usb" | grep -v '^Only in .*usb' >differ || :
	expect_eq "$(cat differ)" ""
	expect_ok cloche sync --src dir --dest docker --dest-tls-verify=false "$T/usb" "$host/back"
	expect_eq "$(tags "$host/back/box")" "$host/back/box:1 $host/back/box:2 $host/back/box:latest "
	# Once more: all is there.
	expect_ok cloche sync --src dir --dest docker --dest-tls-verify=false "$T/usb" "$host/back"
	expect_eq "$(echo "$out" | grep -c 'up to date')" 3
	stop_registry
}

test_from_registry_to_registry() {
	fill_registry
	expect_ok cloche sync --src docker --dest docker --tls-verify=false --dry-run "$host/team/box" "$host/copy"
	expect_match "$out" "would copy docker://$host/team/box:1 to docker://$host/copy/box:1"
	expect_fail 125 cloche images --remote -q --tls-verify=false "$host/copy/box"
	expect_ok cloche sync --src docker --dest docker --tls-verify=false -q "$host/team/box" "$host/copy"
	expect_eq "$out" ""
	expect_eq "$(tags "$host/copy/box")" "$host/copy/box:1 $host/copy/box:2 $host/copy/box:latest "
	stop_registry
}

test_one_that_fails() {
	fill_registry
	cloche sync -q --src docker --dest dir --tls-verify=false "$host/team/box" "$T/usb"
	rm "$(find usb/box:1 -size +100k)"
	# The layer is in the registry already, so nothing is missing there.
	expect_ok cloche sync --src dir --dest docker --tls-verify=false "$T/usb" "$host/team"
	echo nothing >usb/box:1/manifest.json
	expect_fail 125 cloche sync --src dir --dest docker --tls-verify=false "$T/usb" "$host/new"
	expect_match "$err" "from 'dir:$T/usb/box:1' to 'docker://$host/new/box:1'"
	expect_fail 125 cloche sync --keep-going --src dir --dest docker --tls-verify=false "$T/usb" "$host/new"
	expect_match "$err" "1 of 3 images were not copied"
	expect_eq "$(tags "$host/new/box")" "$host/new/box:2 $host/new/box:latest "
	stop_registry
}

test_mistakes_of_sync() {
	mkdir empty
	expect_fail 125 cloche sync x y
	expect_match "$err" "hint: as in 'cloche sync --src docker"
	expect_fail 125 cloche sync --src yaml --dest dir x y
	expect_match "$err" "YAML"
	expect_fail 125 cloche sync --src dir --dest dir x y
	expect_fail 125 cloche sync --src dir --dest docker empty localhost:1/x
	expect_match "$err" "no image that dir: has written"
	expect_fail 125 cloche sync --src dir --dest docker nosuch localhost:1/x
	expect_match "$err" "open 'nosuch'"
}

test_delete() {
	fill_registry
	expect_fail 125 cloche delete --tls-verify=false "docker://$host/team/box:1"
	expect_match "$err" "all its tags"
	expect_ok cloche delete --force --tls-verify=false "docker://$host/team/box:1"
	expect_fail 125 cloche inspect --tls-verify=false "docker://$host/team/box:latest"
	expect_ok cloche delete --tls-verify=false "docker://$host/team/other:x"
	expect_ok cloche delete store:other
	expect_fail 125 cloche inspect other
	expect_fail 125 cloche delete dir:x
	expect_match "$err" "are files"
	stop_registry
}
