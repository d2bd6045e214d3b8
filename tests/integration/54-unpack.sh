# unpack, repack, config, squash: an image as a folder, and what is changed in it as an image again.
# timeout: 120
# once: test_config test_a_record_that_is_no_record test_masks_and_volumes_stay_out
# once: test_refresh_makes_the_next_layer_small test_squash

# As the bundle's owner sees its files: with a range of ids, as root of the namespace that has them.
inside() {
	if [ "$KIND" = subids ]; then
		unshare --map-root-user --map-auto "$@"
	else
		"$@"
	fi
}

# The image "base": owners, modes, hard links, an attribute, and links that lead to folders.
make_base() {
	mkdir -p "$T/fs"/{bin,etc/deep/er,usr/lib,srv/data,gone/below}
	echo one >"$T/fs/etc/one"
	echo two >"$T/fs/etc/two"
	ln "$T/fs/etc/one" "$T/fs/etc/one-too"
	ln -s usr/lib "$T/fs/lib"
	ln -s one "$T/fs/etc/link"
	echo x >"$T/fs/gone/below/file"
	echo same >"$T/fs/etc/deep/er/same"
	cp "$FIXTURES/../busybox" "$T/fs/bin/" 2>/dev/null || cp "$(command -v busybox)" "$T/fs/bin/busybox"
	chmod 1777 "$T/fs/srv/data"
	chmod 4755 "$T/fs/bin/busybox"
	find "$T/fs" -exec touch -h -d '2020-01-02 03:04:05' {} +
	tar -C "$T/fs" --sort=name --numeric-owner --owner 7 --group 8 -cf "$T/base.tar" .
	cloche import -c 'CMD ["/bin/busybox", "echo", "runs"]' -c 'ENV A=b' -c 'LABEL l=m' "$T/base.tar" base:1 >/dev/null
}

# "name type mode uid gid size mtime link" of each entry of the topmost layer of IMAGE, sorted by name.
list_top() {
	rm -rf --one-file-system "$T/top"
	cloche copy -q "store:$1" "oci:$T/top:x"
	list_top_of "$T/top"
}

list_top_of() {
	python3 - "$1" "${2:-}" <<'PY'
import json, sys, tarfile
lay, tag = sys.argv[1], sys.argv[2]
blob = lambda d: open(f"{lay}/blobs/" + d.replace(":", "/"), "rb")
entries = json.load(open(f"{lay}/index.json"))["manifests"]
chosen = [e for e in entries if not tag or e.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag][0]
manifest = json.load(blob(chosen["digest"]))
with tarfile.open(fileobj=blob(manifest["layers"][-1]["digest"])) as tar:
    rows = []
    for m in tar:
        name = m.name.removeprefix("./")
        white = name.split("/")[-1].startswith(".wh.")
        kind = {b"0": "f", b"1": "h", b"2": "l", b"5": "d"}.get(m.type, m.type.decode())
        # Of a whiteout only the name means anything.
        rows.append((name, "w") if white else (name, kind, oct(m.mode), m.uid, m.gid, m.size, int(m.mtime), m.linkname.removeprefix("./")))
for row in sorted(rows):
    print(*row)
PY
}

# A line of FILE matches REGEX.
expect_line() {
	grep -qE -- "$2" "$1" || fail "no line with '$2' in: $(cat "$1")"
}

# Additions, changes of every kind, and removals, in the root file system $1.
change() {
	inside sh -ec 'cd "$1"
		echo new >etc/new
		echo changed >etc/two
		chmod 700 etc/deep
		rm -r gone
		rm etc/link
		mkdir -p opt/a/b
		ln -s /nowhere opt/a/dangling
		ln etc/new etc/new-too
		rm -r srv
		echo "a file now" >srv
		find etc/new etc/two opt srv etc/deep -exec touch -h -d "2021-02-03 04:05:06" {} +
		touch -d "2021-02-03 04:05:06" etc .' sh "$1"
}

expect_tree() {
	local got
	got=$(cloche export "$1" | tar t | sed 's,/$,,' | LC_ALL=C sort | tr '\n' ' ')
	expect_eq "$got" "$2"
}

test_an_unchanged_bundle_makes_no_layer() {
	make_base
	expect_ok cloche unpack base:1 b
	expect_match "$out" 'b: 1 layer, [0-9]+ entries, digest sha256:'
	expect_eq "$(inside cat b/rootfs/etc/one)" one
	expect_ok cloche repack b same:1
	expect_match "$err" 'nothing has changed: no new layer'
	expect_eq "$out" "$(cloche inspect --format '{{.Id}}' base:1)"
	expect_eq "$(cloche inspect --format '{{.Id}}' same:1)" "$out"
	inside rm -rf b/rootfs
}

test_owners_modes_and_links_come_back() {
	make_base
	cloche unpack -q base:1 b
	# Touched: each file is in the new layer, with the owner that it has in the image.
	inside find b/rootfs -mindepth 1 -exec touch -h -d '2022-01-01' {} +
	expect_ok cloche repack b again:1
	cloche export base:1 | tar tv --numeric-owner | sed -E 's/ 20[0-9-]+ [0-9:]+ / /' >want
	cloche export again:1 | tar tv --numeric-owner | sed -E 's/ 20[0-9-]+ [0-9:]+ / /' >got
	expect_eq "$(cat got)" "$(cat want)"
	expect_line got '-rwsr-xr-x 7/8 .*bin/busybox'
	list_top again:1 >rows
	expect_line rows 'etc/one-too h .* etc/one'
	inside rm -rf b/rootfs
}

test_what_changed_becomes_a_layer() {
	make_base
	cloche unpack -q base:1 b
	change b/rootfs
	expect_ok cloche repack -m why --created-by who --created 2021-02-03T04:05:06Z -a me b new:1
	expect_match "$err" '6 added, 6 changed, 2 removed'
	expect_eq "$(cloche history --format '{{.CreatedBy}} {{.Comment}}' new:1 | head -1)" 'who why'
	list_top new:1 >rows
	expect_line rows '^\.wh\.gone w$'
	expect_line rows '^etc/\.wh\.link w$'
	expect_line rows '^etc/new-too h .* etc/new$'
	expect_line rows '^srv f '
	expect_no_match "$(cat rows)" 'etc/one|bin|data'
	expect_tree new:1 'bin bin/busybox etc etc/deep etc/deep/er etc/deep/er/same etc/new etc/new-too etc/one etc/one-too etc/two lib opt opt/a opt/a/b opt/a/dangling srv usr usr/lib '
	expect_ok cloche run --rm --network none new:1
	expect_eq "$out" runs
	inside rm -rf b/rootfs
}

test_changes_that_the_times_hide() {
	make_base
	cloche unpack -q base:1 b
	# Same size, same time; only the content is another.
	inside sh -ec 'cd b/rootfs/etc; touch -r two ../ref; echo TWO >two; touch -r ../ref two; rm ../ref; touch -d "2020-01-02 03:04:05" ..'
	expect_ok cloche repack b new:1
	expect_match "$err" '0 added, 1 changed, 0 removed'
	# The folder comes along with the mode that it has.
	list_top new:1 >rows
	expect_line rows '^etc d 0o755 7 8 '
	inside rm -rf b/rootfs
	# A copy has other inodes and times of its own, but the same content. (With one id mapped cp can't copy a link's owner.)
	[ "$KIND" != nosubids ] || return 0
	cloche unpack -q base:1 c
	inside cp -a c copied
	expect_ok cloche repack copied new:2
	expect_match "$err" 'nothing has changed'
	inside rm -rf c/rootfs copied/rootfs
}

test_attributes_and_grown_links() {
	[ "$KIND" != subids ] || skip "needs the files to be one's own"
	make_base
	cloche unpack -q base:1 b
	python3 -c 'import os; os.setxattr("b/rootfs/etc/two", "user.note", b"hello")'
	ln b/rootfs/etc/deep/er/same b/rootfs/etc/another
	expect_ok cloche repack b new:1
	list_top new:1 >rows
	expect_line rows '^etc/another f '
	expect_line rows '^etc/deep/er/same h .* etc/another$'
	expect_line rows '^etc/two f '
	cloche unpack -q new:1 c
	expect_eq "$(python3 -c 'import os; print(os.getxattr("c/rootfs/etc/two", "user.note").decode())')" hello
	expect_eq "$(stat -c %h c/rootfs/etc/another)" 2
	rm -rf b c
}

test_refresh_makes_the_next_layer_small() {
	make_base
	cloche unpack -q base:1 b
	inside touch b/rootfs/etc/first
	cloche repack --refresh b new:1 >/dev/null 2>&1
	inside touch b/rootfs/etc/second
	expect_ok cloche repack b new:2
	expect_match "$err" '1 added, 1 changed, 0 removed'
	expect_eq "$(cloche inspect --format '{{len .RootFS.Layers}}' new:2)" 3
	inside rm -rf b/rootfs
}

test_masks_and_volumes_stay_out() {
	make_base
	cloche config --volume /srv/data base:1 >/dev/null
	cloche unpack -q base:1 b
	inside sh -c 'touch b/rootfs/srv/data/x b/rootfs/etc/deep/y; rm b/rootfs/etc/deep/er/same'
	expect_ok cloche repack --mask-path /etc/deep b new:1
	expect_match "$err" 'nothing has changed'
	expect_ok cloche repack --no-mask-volumes --mask-path /etc/deep b new:1
	expect_match "$err" '1 added, 1 changed, 0 removed'
	expect_fail 125 cloche repack --mask-path etc b new:1
	expect_match "$err" 'absolute path'
	inside rm -rf b/rootfs
}

test_a_bundle_of_an_image_elsewhere() {
	make_base
	cloche copy -q store:base:1 "oci:$T/lay:x"
	cloche copy -q store:base:1 "docker-archive:$T/d.tar:base:1"
	cloche rmi base:1 >/dev/null
	(cd lay && expect_ok cloche unpack oci:.:x "$T/b")
	expect_eq "$(cloche images -q)" ""
	inside touch b/rootfs/new
	# The image is brought for it.
	expect_ok cloche repack b new:1
	expect_eq "$(cloche inspect --format '{{len .RootFS.Layers}}' new:1)" 2
	expect_ok cloche unpack --raw "docker-archive:$T/d.tar" raw
	expect_eq "$(inside cat raw/etc/one)" one
	expect_no_file raw/config.json
	inside rm -rf b/rootfs raw
}

test_layers_over_one_another() {
	make_base
	mkdir -p up/etc/deep up/gone up/lib
	touch up/etc/.wh.one up/gone/.wh..wh..opq up/etc/deep/.wh.nothing up/.wh.usr
	echo kept >up/gone/new
	tar --sort=name --owner 0 --group 0 -C up -cf up.tar etc gone lib .wh.usr
	printf 'FROM base:1\nCOPY none /none\n' >Dockerfile
	touch none
	cloche build -q -t two . >/dev/null
	cloche import up.tar up:1 >/dev/null
	# The layer of whiteouts on top of base, as another builder would have made it.
	cloche copy -q store:up:1 oci:lay:up
	cloche copy -q store:base:1 oci:lay:base
	python3 - <<'PY'
import hashlib, json
def blob(d): return open("lay/blobs/" + d.replace(":", "/"), "rb").read()
def put(b):
    d = hashlib.sha256(b).hexdigest()
    open("lay/blobs/sha256/" + d, "wb").write(b)
    return "sha256:" + d
index = json.load(open("lay/index.json"))
m = {e["annotations"]["org.opencontainers.image.ref.name"]: json.loads(blob(e["digest"])) for e in index["manifests"]}
c = {k: json.loads(blob(v["config"]["digest"])) for k, v in m.items()}
c["base"]["rootfs"]["diff_ids"] += c["up"]["rootfs"]["diff_ids"]
c["base"]["history"] = []
m["base"]["layers"] += m["up"]["layers"]
b = json.dumps(c["base"]).encode()
m["base"]["config"].update(digest=put(b), size=len(b))
b = json.dumps(m["base"]).encode()
index["manifests"] = [dict(mediaType=m["base"]["mediaType"], digest=put(b), size=len(b),
                           annotations={"org.opencontainers.image.ref.name": "both"})]
json.dump(index, open("lay/index.json", "w"))
PY
	expect_ok cloche unpack oci:lay:both b
	expect_eq "$(inside sh -c 'cd b/rootfs; find . | LC_ALL=C sort' | tr '\n' ' ')" \
		'. ./bin ./bin/busybox ./etc ./etc/deep ./etc/deep/er ./etc/deep/er/same ./etc/link ./etc/one-too ./etc/two ./gone ./gone/new ./lib ./srv ./srv/data '
	expect_eq "$(inside stat -c %F b/rootfs/lib)" directory
	# Folders that the second layer doesn't speak of keep their times.
	expect_eq "$(inside stat -c %Y b/rootfs/srv)" "$(date -d '2020-01-02 03:04:05' +%s)"
	cloche copy -q oci:lay:both store:both:1
	expect_ok cloche squash -t one both:1
	expect_match "$err" '2 layers became 1'
	expect_tree one 'bin bin/busybox etc etc/deep etc/deep/er etc/deep/er/same etc/link etc/one-too etc/two gone gone/new lib srv srv/data '
	inside rm -rf b/rootfs
}

test_squash() {
	use_busybox
	mkdir ctx
	printf 'FROM busybox\nRUN mkdir /a /b && echo 1 >/a/1 && ln /a/1 /a/2 && chown 3:4 /b\nRUN rm -r /b && echo 2 >/a/new\nRUN rm /etc/passwd && mkdir /b\nCMD ["cat", "/a/2"]\n' >ctx/Dockerfile
	cloche build -q -t four ctx >/dev/null 2>&1
	expect_ok cloche squash -t one four
	expect_match "$err" '4 layers became 1'
	expect_eq "$(cloche squash -q -t one-too four)" "$(cloche inspect --format '{{.Id}}' one | sed 's/^/sha256:/; s/^sha256:sha256:/sha256:/')"
	expect_eq "$(cloche export one | tar tv --numeric-owner)" "$(cloche export four | tar tv --numeric-owner)"
	expect_ok cloche run --rm --network none one
	expect_eq "$out" 1
	# With layers below, deletions stay.
	expect_ok cloche squash --last 2 -t two four
	expect_eq "$(cloche inspect --format '{{len .RootFS.Layers}}' two)" 3
	list_top two >rows
	expect_line rows '^etc/\.wh\.passwd w$'
	list_top two >rows
	expect_line rows '^b/\.wh\.\.wh\.\.opq w$'
	expect_eq "$(cloche export two | tar tv --numeric-owner)" "$(cloche export four | tar tv --numeric-owner)"
	expect_eq "$(cloche history -q two | wc -l)" "$(($(cloche history -q four | wc -l) + 1))"
	expect_fail 125 cloche squash --from 5 four
	expect_match "$err" 'has 4 layers'
	expect_fail 125 cloche squash --from 1 --last 1 four
}

test_config() {
	make_base
	expect_ok cloche config --env C=d --env A- --entrypoint '["/bin/busybox", "env"]' --cmd '' --label x=y --label l- \
		--user 5 --workingdir /etc --port 80 --expose 53/udp --volume /data --stop-signal SIGINT --author me \
		--created 2020-01-01T00:00:00Z --arch arm64 --os linux --annotation k=v --history-comment because \
		--healthcheck 'true it is' --healthcheck-interval 5s --healthcheck-retries 2 --shell '/bin/bash -c' \
		--onbuild 'RUN true' -t new:1 base:1
	cloche config new:1 >config.json
	python3 - <<'PY'
import json
c = json.load(open("config.json"))
k = c["config"]
assert k["Env"] == ["C=d"], k
assert k["Entrypoint"] == ["/bin/busybox", "env"] and not k.get("Cmd"), k
assert k["Labels"] == {"x": "y"}, k
assert k["User"] == "5" and k["WorkingDir"] == "/etc" and k["StopSignal"] == "SIGINT", k
assert sorted(k["ExposedPorts"]) == ["53/udp", "80/tcp"] and list(k["Volumes"]) == ["/data"], k
assert k["Healthcheck"] == {"Test": ["CMD-SHELL", "true it is"], "Interval": 5000000000, "Retries": 2}, k
assert k["Shell"] == ["/bin/bash", "-c"] and k["OnBuild"] == ["RUN true"], k
assert c["author"] == "me" and c["created"] == "2020-01-01T00:00:00Z" and c["architecture"] == "arm64", c
assert c["history"][-1] == {"created": "2020-01-01T00:00:00Z", "created_by": "cloche config", "author": "me", "comment": "because", "empty_layer": True}, c["history"]
assert len(c["rootfs"]["diff_ids"]) == 1
PY
	expect_match "$(cloche manifest inspect store:new:1)" '"k": *"v"'
	# The old image is as it was; without --tag it is changed itself.
	expect_match "$(cloche config base:1)" '"A=b"'
	expect_ok cloche config --clear env --clear config.labels --clear history base:1
	expect_no_match "$(cloche config base:1)" 'A=b|Labels'
	expect_fail 125 cloche config --clear nonsense base:1
	expect_match "$err" 'there is no field'
	expect_fail 125 cloche config --env =x base:1
	expect_fail 125 cloche config --port 99999 base:1
	expect_fail 125 cloche config --healthcheck-interval 5s base:1
	expect_fail 125 cloche config --entrypoint '["a"' base:1
	expect_fail 125 cloche config --cmd "a 'b" base:1
	expect_fail 125 cloche config --no-history base:1
}

test_the_bundle_runs() {
	make_base
	cloche unpack -q base:1 b
	sed -i 's/"terminal": true/"terminal": false/' b/config.json
	expect_ok "$(dirname "$CLOCHE")/tests/run_bundle" "$T/b"
	expect_eq "$out" runs
	expect_match "$(cat b/config.json)" '"l": "m"'
	expect_match "$(cat b/config.json)" '"A=b"'
	inside rm -rf b/rootfs
}

whole_or_not_at_all() {
	[ ! -e killed ] || expect_file killed/cloche.json
}

test_nothing_half_done_is_left() {
	make_base
	mkdir full && touch full/file
	expect_fail 125 cloche unpack base:1 full
	expect_match "$err" 'not empty'
	mkdir empty
	expect_ok cloche unpack base:1 empty
	expect_file empty/config.json
	expect_fail 125 cloche repack full new:1
	expect_match "$err" "only what 'cloche unpack' made"
	need_strace
	AFTER_KILL=whole_or_not_at_all
	kill_at_each renameat,mkdirat cloche unpack -q base:1 killed
	expect_file killed/cloche.json
	expect_eq "$(find . -maxdepth 1 -name '.*part')" ""
	inside rm -rf empty/rootfs killed/rootfs
}

test_a_record_that_is_no_record() {
	make_base
	cloche unpack -q base:1 b
	cp b/cloche.tree good
	local bad
	for bad in '' 'cloche-tree 2 1.000000000' 'cloche-tree 1 1.000000000
f 644 0:0 1 1.000000000 1.000000000 1 1 0 0 a' 'cloche-tree 1 1.000000000
d 755 0:0 0 1.000000000 1.000000000 1 0 0 0 .
d 755 0:0 0 1.000000000 1.000000000 1 0 0 0 ../x' 'cloche-tree 1 1.000000000
d 755 0:0 0 1.000000000 1.000000000 1 0 0 0 .
d 755 0:0 0 1.000000000 1.000000000 1 0 0 0 b
d 755 0:0 0 1.000000000 1.000000000 1 0 0 0 a'; do
		[ -z "$bad" ] && : >b/cloche.tree || echo "$bad" >b/cloche.tree
		expect_fail 125 cloche repack b new:1
		expect_match "$err" 'record of the tree'
	done
	head -c 200 good >b/cloche.tree
	expect_fail 125 cloche repack b new:1
	expect_match "$err" 'cut off'
	echo '{}' >b/cloche.json
	expect_fail 125 cloche repack b new:1
	rm -rf b
}

# The entries of both layers are the same; we also say the folders that they are in, as docker does.
expect_like_umoci() {
	python3 - "$1" "$2" <<'PY'
import sys
ours, theirs = ({line.split(" ", 1)[0]: line for line in open(p)} for p in sys.argv[1:])
theirs.pop(".\n", None)
theirs = {k.rstrip("\n"): v for k, v in theirs.items() if not k.startswith(". ")}
theirs.pop(".", None)
for name, line in theirs.items():
    # umoci also says what was in a folder that is a file now.
    folder = ours.get(name.rpartition("/")[0])
    if line.endswith(" w\n") and folder and folder.split()[1] == "f":
        continue
    assert ours.get(name) == line, (name, ours.get(name), line)
for name, line in ours.items():
    assert name in theirs or line.split()[1] == "d", line
PY
}

test_layers_are_those_of_umoci() {
	[ "$KIND" = root ] || skip "owners are compared"
	need umoci
	make_base
	cloche copy -q store:base:1 oci:lay:base
	umoci unpack --image lay:base theirs
	cloche unpack -q oci:lay:base ours
	change ours/rootfs
	change theirs/rootfs
	expect_ok cloche repack ours new:1
	expect_ok umoci repack --image lay:new theirs
	list_top new:1 >a
	list_top_of lay new >b
	expect_ok expect_like_umoci a b
	# Theirs unpacked by us, ours by them.
	expect_ok cloche unpack -q oci:lay:new again
	expect_eq "$(cd again/rootfs && find . -printf '%p %y %m %U %G %l %n\n' | LC_ALL=C sort)" \
		"$(cd ours/rootfs && find . -printf '%p %y %m %U %G %l %n\n' | LC_ALL=C sort)"
	cloche copy -q store:new:1 oci:lay:ours
	umoci unpack --image lay:ours again2
	expect_eq "$(cd again2/rootfs && find . -printf '%p %y %m %U %G %l %n %T@\n' | LC_ALL=C sort)" \
		"$(cd ours/rootfs && find . -printf '%p %y %m %U %G %l %n %T@\n' | LC_ALL=C sort)"
}
