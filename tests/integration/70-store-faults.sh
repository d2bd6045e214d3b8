# The store stays valid whatever is killed, full, unreadable or in a hurry.
# users: root nosubids subids
# timeout: 180
# once: test_load_repairs_what_has_rotted test_kill_while_importing_tagging_removing
# once: test_what_a_killed_load_left_goes_with_the_next_command

# An archive of an image of two layers with so many files: make_archive FILES NAME OUT.
make_archive() {
	python3 - "$@" <<'END'
import hashlib, io, json, sys, tarfile
files, name, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def tar(prefix):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w") as t:
        for i in range(files):
            info = tarfile.TarInfo("%s/d%d/f%d" % (prefix, i % 10, i))
            data = (name + prefix + str(i)).encode() * 50
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return b.getvalue()
layers = [tar("a"), tar("b")]
config = json.dumps({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers",
    "diff_ids": ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]}}).encode()
with tarfile.open(out, "w") as t:
    def add(n, d):
        info = tarfile.TarInfo(n)
        info.size = len(d)
        t.addfile(info, io.BytesIO(d))
    add("0.tar", layers[0])
    add("1.tar", layers[1])
    add("c.json", config)
    add("manifest.json", json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": ["0.tar", "1.tar"]}]).encode())
END
}

# Every image is whole: inspect --layers reads all blobs and verifies digests and diff ids; the index fits the names.
expect_valid_store() {
	local name
	for name in $(cloche images --format '{{.Repository}}:{{.Tag}}'); do
		[ "$name" = '<none>:<none>' ] || expect_ok cloche inspect --layers "$name"
	done
	for name in $(cloche images -q); do
		expect_ok cloche export "$name" -o /dev/null
	done
}

# With all images removed nothing is left of them.
expect_empty_in_the_end() {
	local ids
	ids=$(cloche images -q)
	[ -z "$ids" ] || cloche rmi -f $ids >/dev/null
	expect_fail any cloche rmi nothing
	expect_eq "$(find "$T/root/blobs/sha256" "$T/root/layers" "$T/root/tmp" "$T/root/trash" -mindepth 1 -maxdepth 1 | tr '\n' ' ')" ""
	expect_eq "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["manifests"]))' "$T/root/index.json")" 0
}

# Runs a command and kills it after so many milliseconds; waits until the kernel has let go of its locks too, since a
# killed process may still be within a sync.
kill_after() {
	local ms=$1
	shift
	{ timeout -s KILL "$(printf '0.%03d' "$ms")" "$@" || :; } >/dev/null 2>&1
	[ ! -e "$T/root/lock/store" ] || wait_for 30 flock --exclusive --nonblock "$T/root/lock/store" true
}

# A blob that is not what its name says any more is replaced by what an archive brings: layers, configuration, manifest.
test_load_repairs_what_has_rotted() {
	local blob kind
	make_archive 20 rotten:1 a.tar
	cloche load -q -i a.tar
	cloche save --format oci-archive -o b.tar rotten:1
	for kind in a.tar b.tar; do
		for blob in "$T"/root/blobs/sha256/*; do
			chmod -R u+w "$T/root/layers"
			find "$T/root/layers" -mindepth 1 -maxdepth 1 -exec mv {} "$T/root/trash/" \;
			rot "$blob"
			expect_ok cloche load -q -i "$kind"
			expect_valid_store
			expect_eq "$(sha256sum <"$blob" | cut -d' ' -f1)" "${blob##*/}" "$kind"
		done
	done
	cloche rmi -f rotten:1 >/dev/null
	expect_empty_in_the_end
}

# What the archive itself gets wrong is no reason to throw anything away.
test_load_of_a_lie_keeps_the_good_blobs() {
	local before
	make_archive 20 lie:1 a.tar
	cloche load -q -i a.tar
	cloche save --format oci-dir -o layout lie:1
	before=$(cd "$T/root/blobs/sha256" && sha256sum * | sort)
	python3 - <<'END'
import hashlib, json
def read(d):
    return json.load(open("layout/blobs/sha256/" + d["digest"][7:]))
def write(d, v):
    data = json.dumps(v).encode()
    d.update(size=len(data), digest="sha256:" + hashlib.sha256(data).hexdigest())
    open("layout/blobs/sha256/" + d["digest"][7:], "wb").write(data)
index = json.load(open("layout/index.json"))
manifest = read(index["manifests"][0])
config = read(manifest["config"])
config["rootfs"]["diff_ids"].reverse()
write(manifest["config"], config)
write(index["manifests"][0], manifest)
json.dump(index, open("layout/index.json", "w"))
END
	expect_fail 125 cloche load -q -i layout
	expect_match "$err" 'diff id'
	expect_eq "$(cd "$T/root/blobs/sha256" && sha256sum * | sort)" "$before"
}

test_kill_while_loading() {
	local ms
	make_archive 300 killed:1 a.tar
	gzip -k a.tar
	for ms in 2 5 10 15 20 30 40 50 60 80 100 130 170 220; do
		kill_after "$ms" cloche load -i a.tar
		expect_valid_store
		kill_after "$ms" cloche load -i a.tar.gz
		expect_valid_store
		cloche rmi -f killed:1 >/dev/null
	done
	expect_ok cloche load -i a.tar
	expect_valid_store
	expect_empty_in_the_end
}

test_what_a_killed_load_left_goes_with_the_next_command() {
	local ms
	make_archive 100 killed:1 a.tar
	printf x >file
	tar -cf b.tar file
	for ms in 8 12 16 20 25 30 36 42 50 60 75; do
		kill_after "$ms" cloche load -i a.tar
		[ -z "$(cloche images -q killed:1)" ] || cloche rmi killed:1 >/dev/null
		cloche import b.tar small >/dev/null
		expect_eq "$(ls "$T/root/blobs/sha256" | wc -l) $(ls "$T/root/layers" | wc -l)" "3 1"
		cloche rmi small >/dev/null
	done
}

test_kill_while_importing_tagging_removing() {
	local ms old new
	make_archive 50 x:1 a.tar
	make_archive 50 y:1 b.tar
	for ms in 1 2 3 4 6 8 10 14 20 30 45 60; do
		cloche load -i a.tar >/dev/null
		cloche load -i b.tar >/dev/null
		old=$(cloche images -q x:1)
		new=$(cloche images -q y:1)
		cloche tag x:1 moving
		kill_after "$ms" cloche tag y:1 moving
		expect_match "$(cloche images -q moving)" "^($old|$new)$"
		kill_after "$ms" cloche import a.tar imported
		kill_after "$ms" cloche rmi x:1
		kill_after "$ms" cloche rmi -f y:1 moving
		expect_valid_store
	done
	expect_empty_in_the_end
}

test_full_disk() {
	[ "$KIND" = root ] || skip "mounts a file system"
	make_archive 2000 big:1 big.tar
	make_archive 10 small:1 small.tar
	gzip -k big.tar
	cat >script <<'END'
set -eu
cloche() { "$CLOCHE" --root "$T/small/root" --runroot "$T/runroot" "$@"; }
for file in big.tar big.tar.gz; do
	if cloche load -i $file 2>err; then echo "load succeeded"; exit 1; fi
	grep -q "No space left on device" err || { cat err; exit 1; }
	[ "$(grep -c ^cloche: err)" = 1 ] || { cat err; exit 1; }
	left=$(find "$T/small/root/blobs/sha256" "$T/small/root/layers" "$T/small/root/tmp" "$T/small/root/trash" -mindepth 1)
	[ -z "$left" ] || { echo "left: $left"; exit 1; }
done
cloche load -i small.tar
if cloche import big.tar x 2>err; then echo "import succeeded"; exit 1; fi
cloche inspect --layers small:1 >/dev/null
cloche save small:1 >"$T/small/ok"
if cloche save -o "$T/small/copy" $(yes small:1 | head -1) 2>/dev/null; then rm -f "$T/small/copy"; fi
dd if=/dev/zero of="$T/small/fill" bs=4k 2>/dev/null || :
if cloche tag small:1 another 2>err; then echo "tag on a full disk succeeded"; else grep -q "No space left" err || { cat err; exit 1; }; fi
cloche images -q small:1 | grep -q .
cloche rmi -f small:1 || { echo "a full disk can't be freed"; exit 1; }
rm "$T/small/fill"
cloche load -i small.tar >/dev/null
END
	expect_ok on_small_fs 3m 0 bash script
}

test_full_inode_table() {
	[ "$KIND" = root ] || skip "mounts a file system"
	make_archive 500 big:1 big.tar
	make_archive 5 small:1 small.tar
	cat >script <<'END'
set -eu
cloche() { "$CLOCHE" --root "$T/small/root" --runroot "$T/runroot" "$@"; }
if cloche load -i big.tar 2>err; then echo "load succeeded"; exit 1; fi
grep -q "No space left on device" err || { cat err; exit 1; }
cloche load -i small.tar
cloche export small:1 >/dev/null
END
	expect_ok on_small_fs 64m 200 bash script
}

test_unreadable_store() {
	[ "$KIND" != root ] || skip "root reads everything"
	use_busybox
	chmod 000 "$T/root"
	expect_fail 125 cloche images
	expect_match "$err" "Permission denied"
	expect_match "$err" "hint:.*--root"
	chmod 700 "$T/root"
	chmod 000 "$T/root/refs"
	expect_fail 125 cloche images
	expect_fail 125 cloche rmi busybox
	chmod 700 "$T/root/refs"
	expect_ok cloche inspect --layers busybox
}

test_store_on_a_read_only_file_system() {
	[ "$KIND" = root ] || skip "mounts a file system"
	use_busybox
	cat >script <<'END'
set -eu
mount --bind "$T/root" "$T/root"
mount -o remount,bind,ro "$T/root"
cloche images -q | grep -q .
cloche inspect busybox >/dev/null
if cloche tag busybox x 2>err; then exit 1; fi
grep -q "Read-only file system" err
END
	expect_ok unshare --mount --propagation private bash script
}

test_many_loads_at_once() {
	local i pids=()
	make_archive 200 same:1 a.tar
	for i in {1..12}; do
		cloche load -i a.tar >"out.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	expect_eq "$(cat out.* | sort -u)" "Loaded image: same:1"
	expect_eq "$(ls "$T/root/layers" | wc -l)" 2
	expect_valid_store
	expect_empty_in_the_end
}

test_loads_beside_removals() {
	local i pids=()
	make_archive 30 flip:1 a.tar
	make_archive 30 flop:1 b.tar
	for i in {1..10}; do
		(trap - ERR EXIT; cloche load -i a.tar && cloche rmi flip:1) >"out.$i" 2>&1 &
		pids+=($!)
		(trap - ERR EXIT; cloche load -i b.tar && cloche rmi flop:1) >"out.b$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || :
	done
	# A name may be gone before its own removal comes to it; nothing else may go wrong.
	expect_eq "$(cat out.* | grep -v '^Loaded\|^Untagged\|^Deleted\|there is no image\|hint:' || :)" ""
	expect_valid_store
	expect_empty_in_the_end
}

test_tags_at_once_keep_the_index_whole() {
	local i pids=()
	use_busybox
	for i in {1..20}; do
		cloche tag busybox "name$i" &
		pids+=($!)
	done
	while jobs -r | grep -q .; do
		python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$T/root/index.json"
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	expect_eq "$(cloche images --format '{{.Repository}}' | sort -u | wc -l)" 21
	expect_eq "$(grep -Eo 'name[0-9]+' "$T/root/index.json" | sort -u | wc -l)" 20
}

test_blob_cut_short_by_power_loss() {
	local blob
	make_archive 20 cut:1 a.tar
	cloche load -i a.tar >/dev/null
	blob=$(cloche inspect -f '{{index .RootFS.Layers 0}}' cut:1)
	cloche rmi cut:1 >/dev/null
	mkdir -p "$T/root/blobs/sha256"
	echo short >"$T/root/blobs/sha256/${blob#sha256:}"
	expect_ok cloche load -i a.tar
	expect_valid_store
}

test_a_damaged_image_can_be_removed() {
	local manifest
	use_busybox
	use_busybox good
	cloche import "$FIXTURES/busybox.tar" -c 'LABEL a=b' bad >/dev/null
	manifest=$(cloche inspect -f '{{.Digest}}' bad)
	rm "$T/root/blobs/sha256/${manifest#sha256:}"
	expect_match "$(cloche images)" "bad .*damaged"
	expect_fail 125 cloche run --network none bad true
	expect_ok cloche inspect good
	expect_ok cloche rmi bad
	expect_valid_store
}

test_changed_bytes_of_a_blob_are_noticed() {
	local id
	make_archive 20 bits:1 a.tar
	cloche load -i a.tar >/dev/null
	id=$(cloche inspect -f '{{index .RootFS.Layers 0}}' bits:1)
	printf X | dd of="$T/root/blobs/sha256/${id#sha256:}" bs=1 seek=2000 conv=notrunc 2>/dev/null
	expect_fail 125 cloche inspect --layers bits:1
	expect_match "$err" "layer 1 of 2"
}
