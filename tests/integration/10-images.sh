# Images: import, list, name, remove, save and load again, export, inspect.
# users: root nosubids subids

# A root file system with what tends to get lost, in rootfs/.
make_rootfs() {
	mkdir -p rootfs/bin rootfs/etc/deep/er
	printf 'x' >rootfs/bin/prog
	chmod 4755 rootfs/bin/prog
	ln -s prog rootfs/bin/link
	ln rootfs/bin/prog rootfs/bin/hard
	ln -s ../../../outside rootfs/etc/up
	echo "ä b" >"rootfs/etc/deep/er/name with blank"
	truncate -s 1M rootfs/etc/sparse
	mkfifo rootfs/etc/pipe
	touch -d '2001-02-03 04:05:06.789 UTC' rootfs/etc/sparse
}

# All that is in a tar, a line each, by name.
listing() {
	tar -tvf "$1" --full-time --numeric-owner | sed 's| \./| |g; s|/$||' | sort -k6
}

# Nothing may be left in the store's tmp/ and trash/.
expect_clean_store() {
	expect_eq "$(ls "$T/root/tmp" "$T/root/trash" | grep -v ':$' | tr -d '\n')" "" "left in tmp or trash"
}

test_import_prints_the_id() {
	make_rootfs
	tar -C rootfs -cf rootfs.tar .
	expect_ok cloche import rootfs.tar my/image:1
	expect_match "$out" '^sha256:[0-9a-f]{64}$'
	expect_eq "$(cloche images -q --no-trunc)" "$out"
	expect_clean_store
}

test_import_every_compression() {
	local how
	make_rootfs
	tar -C rootfs -cf rootfs.tar .
	for how in "gzip -k" "zstd -q -k" "xz -k" "bzip2 -k"; do
		need "${how%% *}"
		$how rootfs.tar
	done
	for how in gz zst xz bz2; do
		expect_ok cloche import "rootfs.tar.$how" "c:$how"
		expect_ok cloche inspect -f '{{index .RootFS.Layers 0}}' "c:$how"
		expect_eq "$out" "sha256:$(sha256sum <rootfs.tar | cut -d' ' -f1)" "$how"
		cloche import - "pipe:$how" <"rootfs.tar.$how" >/dev/null
	done
}

test_export_is_what_was_imported() {
	make_rootfs
	tar -C rootfs --sort=name --owner=12 --group=34 --numeric-owner -cf rootfs.tar .
	cloche import rootfs.tar x >/dev/null
	expect_ok cloche export x -o out.tar
	expect_eq "$(listing out.tar)" "$(listing rootfs.tar | grep -v ' $')"
	expect_clean_store
}

test_import_changes_the_configuration() {
	make_rootfs
	tar -C rootfs -c . | cloche import -c 'CMD ["/bin/prog","a b"]' -c 'ENV A=b C="d e"' -c 'WORKDIR /etc' -c 'EXPOSE 80 443/udp' \
		-c 'USER 7:8' -c 'VOLUME /data' -c 'LABEL k=v' -c 'ENTRYPOINT ["/e"]' -m 'a message' - changed >/dev/null
	expect_ok cloche inspect -f '{{json .Config}}' changed
	expect_eq "$out" '{"User":"7:8","ExposedPorts":{"443/udp":{},"80/tcp":{}},"Env":["A=b","C=d e"],"Entrypoint":["/e"],"Cmd":["/bin/prog","a b"],"Volumes":{"/data":{}},"WorkingDir":"/etc","Labels":{"k":"v"}}'
	expect_ok cloche inspect -f '{{.Comment}}' changed
	expect_eq "$out" "a message"
	tar -C rootfs -cf rootfs.tar .
	expect_fail 125 cloche import -c 'RUN x' rootfs.tar bad
	expect_match "$err" "does not change the configuration"
	expect_fail 125 cloche import -c 'CDM x' rootfs.tar bad
	expect_match "$err" "did you mean CMD"
}

test_import_of_what_is_no_tar() {
	echo "no tar at all" >file
	expect_fail 125 cloche import file x
	# Zeros without end are the end mark and what may follow it.
	expect_fail 125 cloche import /dev/zero x
	expect_match "$err" "follow the archive's end mark"
	expect_fail 125 cloche load -i /dev/zero
	expect_fail 125 cloche import missing.tar x
	expect_match "$err" "missing.tar.*No such file"
	expect_fail 125 cloche import https://example.com/rootfs.tar x
	expect_match "$err" "hint: import reads files"
	expect_eq "$(cloche images -q)" ""
	expect_eq "$(ls "$T/root/blobs/sha256" "$T/root/layers" | grep -v ':$' | tr -d '\n')" ""
	expect_clean_store
}

test_images_table() {
	use_busybox
	cloche tag busybox localhost/mine:2
	cloche tag busybox registry.example:5000/a/b:c
	expect_ok cloche images
	expect_match "$out" "^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE"
	expect_match "$out" "busybox +latest +[0-9a-f]{12} +.*ago +[0-9.]+MB"
	expect_match "$out" "localhost/mine +2 "
	expect_match "$out" "registry.example:5000/a/b +c "
	expect_eq "$(cloche images -q | wc -l)" 1
	expect_eq "$(cloche images --format '{{.Repository}}:{{.Tag}}' busybox)" "busybox:latest"
	expect_eq "$(cloche images --format json --filter reference='registry.example:5000/*/*' | grep -c '"Tag":"c"')" 1
	expect_match "$(cloche images --digests)" "DIGEST.*sha256:[0-9a-f]{64}"
	expect_fail 125 cloche images --filter nonsense=1
	expect_match "$err" "there is no filter"
	expect_fail 125 cloche images --format '{{.Nope}}'
	expect_match "$err" "no field 'Nope'"
}

test_a_name_that_moves_leaves_its_image_untagged() {
	local old
	use_busybox a
	old=$(cloche images -q --no-trunc a)
	tar -c /dev/null 2>/dev/null | cloche import - a >/dev/null
	expect_eq "$(cloche images -q --no-trunc --filter dangling=true)" "$old"
	expect_match "$(cloche images)" "<none> +<none> "
	cloche tag "${old:7:12}" back
	expect_eq "$(cloche images -q --filter dangling=true)" ""
}

test_images_are_found_by_id() {
	local id
	use_busybox
	id=$(cloche images -q --no-trunc)
	for name in "$id" "${id#sha256:}" "${id:7:12}" "${id:7:4}" "docker.io/library/busybox" "busybox:latest" \
		"busybox@$(cloche inspect -f '{{.Digest}}' busybox)"; do
		expect_eq "$(cloche inspect -f '{{.Id}}' "$name")" "$id" "$name"
	done
	expect_fail 125 cloche inspect --type image "${id:7:3}"
	expect_fail 125 cloche tag nothere x
	expect_match "$err" "there is no image 'nothere'"
	expect_match "$err" "hint:"
}

test_rmi_untags_then_removes() {
	use_busybox
	cloche tag busybox other
	expect_ok cloche rmi busybox
	expect_eq "$out" "Untagged: busybox:latest"
	expect_ok cloche rmi other
	expect_match "$out" "Deleted: sha256:"
	expect_eq "$(ls "$T/root/blobs/sha256" "$T/root/layers" "$T/root/refs" | grep -v ':$' | tr -d '\n')" ""
	expect_clean_store
	expect_fail 125 cloche rmi other
	expect_ok cloche rmi -f other
}

test_rmi_by_id_refuses_several_names() {
	local id
	use_busybox
	cloche tag busybox other
	id=$(cloche images -q)
	expect_fail 125 cloche rmi "$id"
	expect_match "$err" "has 2 names"
	expect_ok cloche rmi -f "$id"
	expect_eq "$(cloche images -q)" ""
}

test_rmi_keeps_what_a_container_needs() {
	use_busybox
	cloche run --network none --name box busybox true
	expect_fail 125 cloche rmi busybox
	expect_match "$err" "used by container"
	expect_ok cloche rmi -f busybox
	expect_ok cloche export box
	cloche rm box
	use_busybox again
	cloche rmi again
	expect_eq "$(ls "$T/root/layers")" ""
}

test_history() {
	make_rootfs
	tar -C rootfs -c . | cloche import -m 'said so' - h >/dev/null
	expect_ok cloche history h
	expect_match "$out" "^IMAGE +CREATED +CREATED BY +SIZE +COMMENT"
	expect_match "$out" "said so"
	expect_eq "$(cloche history -q --no-trunc h)" "$(cloche images -q --no-trunc h)"
	expect_match "$(cloche history --format '{{.Size}}' --human=false h)" "^[0-9]+$"
}

test_save_and_load_again() {
	local format id
	use_busybox
	cloche tag busybox second:2
	id=$(cloche images -q --no-trunc)
	for format in docker-archive oci-archive oci-dir; do
		expect_ok cloche save --format "$format" -o "saved.$format" busybox second:2
		expect_ok "$CLOCHE" --root "$T/other.$format" load -i "saved.$format"
		expect_match "$out" "Loaded image: busybox:latest"
		expect_match "$out" "Loaded image: second:2"
		expect_eq "$("$CLOCHE" --root "$T/other.$format" images -q --no-trunc)" "$id"
	done
	cloche save busybox | gzip | "$CLOCHE" --root "$T/piped" load -q >/dev/null
	cloche export busybox -o a.tar
	"$CLOCHE" --root "$T/piped" export busybox -o b.tar
	expect_ok cmp a.tar b.tar
	cloche save busybox second:2 -o again
	expect_ok cmp again saved.docker-archive
	expect_fail 125 cloche save -o nowhere nothere
	expect_no_file nowhere
	expect_eq "$(ls | grep -c tmp)" 0 || :
	expect_fail 125 cloche save --format nope busybox
}

test_inspect() {
	use_busybox
	expect_ok cloche inspect busybox
	python3 -c 'import json,sys; i,=json.load(sys.stdin); assert i["RepoTags"]==["busybox:latest"] and i["Os"]=="linux" and i["Size"]>0' <<<"$out"
	expect_fail 125 cloche inspect nothere
	expect_match "$err" "there is nothing named 'nothere'"
	expect_eq "$out" "[]"
}

test_what_is_inside_a_static_program() {
	use_busybox
	cloche export busybox | cloche import -c 'CMD ["sh"]' - shell >/dev/null
	expect_ok cloche inspect --layers shell
	expect_match "$out" "program +/bin/busybox, from layer 1"
	expect_match "$out" "ELF .*static"
	expect_match "$out" "nothing of the image to start"
	expect_match "$(cloche inspect --layers --files shell)" "/bin/sh -> "
	expect_eq "$(cloche inspect --layers -f '{{.Program.Static}} {{len .Layers}}' shell)" "true 1"
}

test_what_is_inside_a_script_that_lacks_libraries() {
	local loader
	loader=$(ldd /bin/bash | sed -n 's|.* \(/lib[^ ]*ld-linux[^ ]*\) .*|\1|p; s|^\t\(/lib[^ ]*ld-linux[^ ]*\) .*|\1|p' | head -1)
	[ -n "$loader" ] || skip "bash is not dynamic here"
	mkdir -p fs/bin "fs$(dirname "$loader")" fs/sbin
	cp -L "$loader" "fs$loader"
	cp /bin/bash fs/bin/
	printf '#! /bin/bash -e\n' >fs/sbin/start
	chmod 755 fs/sbin/start
	tar -C fs -c . | cloche import -c 'ENTRYPOINT ["start"]' - script >/dev/null
	expect_ok cloche inspect --layers script
	expect_match "$out" "script +/sbin/start, run by /bin/bash"
	expect_match "$out" "program +/bin/bash"
	expect_match "$out" "libc.so.6 +MISSING"
	expect_match "$out" "PROBLEM"
	tar -C fs -c . | cloche import -c 'CMD ["nope"]' - nope >/dev/null
	expect_match "$(cloche inspect --layers nope)" "PROBLEM +nope is not in the image"
}

test_names_that_are_not_valid() {
	use_busybox
	for name in Upper 'a b' ../x 'x:' "x:$(printf 'a%.0s' {1..129})" '-x/..' 'x@sha256:12'; do
		expect_fail 125 cloche tag busybox -- "$name"
	done
}

test_a_folder_that_is_no_store() {
	mkdir foreign
	touch foreign/letter
	expect_fail 125 "$CLOCHE" --root foreign images
	expect_match "$err" "is no store.*letter"
	expect_eq "$(ls foreign)" letter
}
