# Images go to and come from other tools unchanged: podman, skopeo, umoci.
# users: root nosubids subids
# needs: skopeo
# timeout: 120

# podman with a store of its own.
pod() {
	mkdir -p -m 700 "$T/xdg"
	XDG_RUNTIME_DIR=$T/xdg podman --root "$T/podman" --runroot "$T/podman-run" --cgroup-manager=cgroupfs \
		--events-backend=none "$@"
}

# podman leaves a process that holds its user namespace; it ends with the test.
end_pause() {
	local file=$T/xdg/libpod/tmp/pause.pid
	[ ! -s "$file" ] || kill -KILL "$(cat "$file")" || :
}

# pod_run IMAGE COMMAND...: with whichever runtime works on this machine.
pod_run() {
	local runtime options=(run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096)
	for runtime in "--runtime crun --cgroups=disabled" "--runtime crun" "--runtime runc"; do
		read -r -a words <<<"$runtime"
		if pod "${words[@]:0:2}" "${options[@]}" "${words[@]:2}" "$@" 2>"$T/pod.err"; then
			return 0
		fi
	done
	cat "$T/pod.err" >&2
	return 1
}

need_podman() {
	need podman
	[ "$KIND" != nosubids ] || skip "podman needs a range of subordinate ids to keep owners"
	trap 'end_pause; end_started' EXIT
	pod import "$FIXTURES/busybox.tar" localhost/probe >"$T/pod.out" 2>&1 || skip "podman: $(tail -1 "$T/pod.out")"
	pod_run localhost/probe true || skip "podman can't run containers here: $(tail -1 "$T/pod.err")"
}

copy() {
	skopeo --insecure-policy copy -q "$@"
}

# The image "built": files with owners, links, a whiteout, environment, a user.
build_image() {
	use_busybox
	mkdir "$T/context"
	echo data >"$T/context/data"
	cat >"$T/context/Dockerfile" <<-'END'
		FROM busybox
		ENV GREETING="hello there"
		RUN adduser -D -H -u 1234 me 2>/dev/null || echo me:x:1234:1234::/:/bin/sh >>/etc/passwd
		RUN mkdir /own && echo mine >/own/file && chown -R 1234:1234 /own && chmod 4755 /own/file && ln /own/file /own/hard
		RUN rm /etc/os-release && ln -s /own/file /link
		COPY --chown=1234:50 data /data
		USER 1234
		WORKDIR /own
		CMD ["sh", "-c", "echo $GREETING; id -u; pwd; cat /link; ls /etc/os-release 2>/dev/null || echo gone; stat -c '%u:%g %a %h' file /data"]
	END
	expect_ok cloche build -q -t built "$T/context"
}

wanted=$'hello there\n1234\n/own\nmine\ngone\n1234:1234 4755 2\n1234:50 644 1'

test_skopeo_reads_what_we_save() {
	build_image
	local format
	for format in docker-archive oci-archive; do
		expect_ok cloche save --format "$format" -o "$T/$format.tar" built
		expect_ok skopeo inspect "$format:$T/$format.tar"
		expect_match "$out" GREETING
		expect_ok copy "$format:$T/$format.tar" "dir:$T/dir-$format"
	done
}

test_skopeo_reads_the_store_in_place() {
	build_image
	local name
	name=$(skopeo --insecure-policy list-tags "oci:$T/root" 2>/dev/null || python3 -c '
import json, sys
for m in json.load(open(sys.argv[1]))["manifests"]:
    print(m["annotations"]["org.opencontainers.image.ref.name"])' "$T/root/index.json" | grep built | head -1)
	expect_ok skopeo inspect "oci:$T/root:$name"
	expect_match "$out" GREETING
}

test_what_skopeo_made_comes_back_the_same() {
	build_image
	expect_ok cloche run --rm --network none built
	expect_eq "$out" "$wanted"
	cloche save --format oci-archive -o "$T/first.tar" built
	copy "oci-archive:$T/first.tar" "docker-archive:$T/docker.tar:localhost/again:docker"
	copy --dest-compress-format zstd "oci-archive:$T/first.tar" "oci-archive:$T/zstd.tar:localhost/again:zstd"
	copy --dest-compress-format gzip "oci-archive:$T/first.tar" "oci-archive:$T/gzip.tar:localhost/again:gzip"
	copy "oci-archive:$T/first.tar" "oci:$T/layout:localhost/again:layout"
	local kind
	for kind in docker zstd gzip layout; do
		if [ "$kind" = layout ]; then
			expect_ok cloche load -i "$T/layout"
		else
			expect_ok cloche load -i "$T/$kind.tar"
		fi
		expect_ok cloche run --rm --network none "localhost/again:$kind"
		expect_eq "$out" "$wanted" "as $kind"
	done
}

test_podman_runs_what_we_built() {
	need_podman
	build_image
	local format
	for format in docker-archive oci-archive; do
		cloche save --format "$format" -o "$T/$format.tar" built
		expect_ok pod load -i "$T/$format.tar"
		expect_ok pod_run built
		expect_eq "$out" "$wanted" "podman, $format"
		pod rmi -f built >/dev/null
	done
}

test_we_run_what_podman_saved() {
	need_podman
	need buildah
	build_image
	printf 'FROM localhost/probe\nRUN echo podman >/by && chown 7:8 /by && rm /etc/os-release\nCMD ["stat", "-c", "%%u:%%g", "/by"]\n' \
		>"$T/context/Dockerfile"
	mkdir -p -m 700 "$T/xdg"
	XDG_RUNTIME_DIR=$T/xdg expect_ok buildah --root "$T/podman" --runroot "$T/podman-run" bud --isolation chroot \
		-t localhost/theirs "$T/context"
	local format
	for format in docker-archive oci-archive; do
		pod save -q --format "$format" -o "$T/theirs-$format.tar" localhost/theirs
		expect_ok cloche load -i "$T/theirs-$format.tar"
		expect_ok cloche run --rm --network none localhost/theirs
		expect_eq "$out" 7:8
		cloche rmi localhost/theirs >/dev/null
	done
}

test_umoci_unpacks_what_we_save() {
	need umoci
	build_image
	cloche save --format oci-archive -o "$T/image.tar" built
	copy "oci-archive:$T/image.tar" "oci:$T/layout:x"
	local rootless=()
	[ "$KIND" = root ] || rootless=(--rootless)
	expect_ok umoci unpack "${rootless[@]}" --image "$T/layout:x" "$T/bundle"
	expect_eq "$(cat "$T/bundle/rootfs/own/file")" mine
	expect_no_file "$T/bundle/rootfs/etc/os-release"
}
