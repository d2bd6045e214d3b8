# For tests of the runtime layer alone: bundles, changed and run without the engine.

run_bundle=$(dirname "$CLOCHE")/tests/run_bundle

# A bundle in $B with the default configuration, its root a folder with busybox.
make_bundle() {
	[ -e "$FIXTURES/busybox.tar" ] || skip "busybox is not installed"
	[ -x "$run_bundle" ] || skip "run_bundle is not built"
	B=$T/bundle
	mkdir -p "$B/rootfs"
	tar -C "$B/rootfs" -xf "$FIXTURES/busybox.tar" --no-same-owner
	"$run_bundle" -d -s "$B"
	edit 'c["root"]["path"] = "rootfs"'
}

# Changes config.json: edit 'c["process"]["cwd"] = "/tmp"'.
edit() {
	python3 - "$B/config.json" "$1" <<-'END'
		import json, sys
		with open(sys.argv[1]) as f:
		    c = json.load(f)
		exec(sys.argv[2])
		with open(sys.argv[1], "w") as f:
		    json.dump(c, f)
	END
}

# mount DESTINATION TYPE SOURCE OPTION...
add_mount() {
	local destination=$1 type=$2 source=$3
	shift 3
	edit "c['mounts'].append({'destination': '$destination', 'type': '$type', 'source': '$source', 'options': '$*'.split()})"
}

inside() {
	"$run_bundle" "$B" "$@"
}

# Runs a command in a mount namespace where it may mount, as root there.
in_own_mounts() {
	local map=()
	[ "$KIND" = root ] || map=(--user --map-root-user)
	unshare "${map[@]}" --mount --propagation private "$@"
}
