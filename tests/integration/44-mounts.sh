# Mounts of files: binds, overlays, images, memory; what is read-only; whose files they are outside.
# users: root nosubids subids

run() {
	cloche run --rm --network none "$@"
}

# What a developer expects of -v $PWD:/src: what root makes inside is the developer's outside.
test_files_made_inside_are_ours_outside() {
	use_busybox
	mkdir "$T/src"
	echo mine >"$T/src/mine"
	expect_ok run -v "$T/src:/src" -w /src busybox sh -c 'cat mine; touch made; mkdir dir; ln -s made link; stat -c %u:%g mine made'
	expect_eq "$out" $'mine\n0:0\n0:0'
	expect_eq "$(stat -c %u:%g "$T/src/made" "$T/src/dir" "$T/src/link" | uniq)" "$(id -u):$(id -g)"
}

test_owners_given_inside() {
	use_busybox
	mkdir "$T/src"
	expect_ok run -v "$T/src:/src" busybox sh -c 'touch /src/web; chown 33:34 /src/web; stat -c %u:%g /src/web'
	expect_eq "$out" 33:34
	case $KIND in
	root) expect_eq "$(stat -c %u:%g "$T/src/web")" 33:34 ;;
	nosubids) expect_eq "$(stat -c %u:%g "$T/src/web")" "$(id -u):$(id -g)" ;;
	subids) [ "$(stat -c %u "$T/src/web")" != "$(id -u)" ] || fail "it should be one of the range" ;;
	esac
	expect_ok run -v "$T/src:/src" busybox rm /src/web
}

test_mode_u_gives_the_files_to_the_user() {
	use_busybox
	mkdir -p "$T/src/sub"
	touch "$T/src/sub/f"
	expect_ok run --user 7:8 -v "$T/src:/src:U" busybox sh -c 'stat -c %u:%g /src /src/sub/f; touch /src/sub/new && stat -c %u:%g /src/sub/new'
	expect_eq "$out" $'7:8\n7:8\n7:8'
	expect_ok run -v "$T/src:/src:U" busybox sh -c 'stat -c %u:%g /src/sub/f'
	expect_eq "$out" 0:0
	expect_fail 125 run -v /etc:/x:U busybox true
	expect_match "$err" "U: '/etc' is a part of the machine"
	expect_ok run -v "$T/src:/src" busybox rm -r /src/sub
}

test_overlay_leaves_the_source_alone() {
	use_busybox
	mkdir "$T/src" "$T/up" "$T/work"
	echo one >"$T/src/a"
	echo two >"$T/src/b"
	expect_ok run -v "$T/src:/src:O" busybox sh -c 'echo changed >/src/a; rm /src/b; touch /src/c; cat /src/a; ls /src'
	expect_eq "$out" $'changed\na\nc'
	expect_eq "$(cat "$T/src/a"; ls "$T/src")" $'one\na\nb'
	expect_ok run -v "$T/src:/src:O,upperdir=$T/up,workdir=$T/work" busybox sh -c 'echo kept >/src/a'
	expect_eq "$(cat "$T/up/a")" kept
	expect_ok run -v "$T/src:/src:O,upperdir=$T/up,workdir=$T/work" busybox cat /src/a
	expect_eq "$out" kept
	expect_fail 125 run -v "$T/src:/src:O,upperdir=$T/up" busybox true
	expect_match "$err" "upperdir= and workdir= go together"
	expect_fail 125 run -v name:/src:O busybox true
	expect_match "$err" "'O' is for folders of the host"
	expect_ok run -v "$T/src:/src:O" -v "$T/src/a:/etc/one:ro" busybox cat /etc/one
	[ "$KIND" = root ] || expect_ok run -v "$T/up:/up" -v "$T/work:/work" busybox sh -c 'rm -rf /up/* /work/*'
}

test_an_images_files() {
	use_busybox
	expect_ok run --mount type=image,source=busybox,target=/img busybox ls /img/bin/sh
	expect_fail 1 run --mount type=image,source=busybox,target=/img busybox touch /img/x
	expect_ok run --mount type=image,source=busybox,target=/img,image-subpath=bin busybox ls /img/sh
	expect_ok run --mount type=image,source=busybox,target=/img,rw=true busybox sh -c 'touch /img/x && ls /img/x'
	expect_fail 125 run --mount type=image,source=nothing,target=/img busybox true
	expect_match "$err" "mount on '/img': image 'nothing': there is no image"
	# Of two layers it is an overlay.
	printf 'FROM busybox\nRUN echo two >/two && rm /bin/ls && mkdir /d && ln -s /two /d/two\n' >"$T/Dockerfile"
	expect_ok cloche build -q --network none -t two "$T"
	expect_ok run --mount type=image,source=two,target=/img busybox sh -c 'cat /img/two; [ -e /img/bin/ls ] || echo gone; touch /img/x 2>/dev/null || echo ro'
	expect_eq "$out" $'two\ngone\nro'
	expect_ok run --mount type=image,source=two,target=/img,image-subpath=d busybox ls /img
	expect_eq "$out" two
	expect_fail 125 run --mount type=image,source=two,target=/img,image-subpath=none busybox true
	# The mount keeps the image.
	expect_ok cloche create --name one --network none --mount type=image,source=two,target=/img busybox cat /img/two
	expect_ok cloche rmi two
	expect_ok cloche system prune -f </dev/null
	expect_eq "$(cloche volume ls -q)" ""
}

test_read_only_and_what_stays_writable() {
	use_busybox
	expect_fail 1 run --read-only busybox touch /tmp/x
	expect_ok run --read-only --read-only-tmpfs busybox sh -c 'touch /tmp/x /run/x /var/tmp/x && ! touch /x 2>/dev/null'
	mkdir -p "$T/src"
	expect_ok run --read-only --read-only-tmpfs -v "$T/src:/tmp" busybox touch /tmp/mine
	expect_file "$T/src/mine"
}

test_flags_and_propagation() {
	use_busybox
	mkdir "$T/src"
	printf '#!/bin/sh\necho ran\n' >"$T/src/prog"
	chmod 755 "$T/src/prog"
	expect_ok run -v "$T/src:/src:exec,nosuid" busybox /src/prog
	expect_fail 126 run -v "$T/src:/src:noexec" busybox /src/prog
	expect_ok run -v "$T/src:/src:rslave,z" busybox grep ' /src ' /proc/self/mountinfo
	expect_ok run --mount "type=bind,src=$T/src,dst=/src,bind-propagation=rshared,bind-recursive=readonly,readonly" busybox grep -c ' /src ' /proc/mounts
	expect_ok run --mount "type=bind,src=$T/made,dst=/src,bind-create-src=true" busybox true
	expect_file "$T/made"
	expect_fail 125 run --mount "type=bind,src=$T/none,dst=/src" busybox true
	expect_fail 125 run --mount "type=bind,src=$T/src,dst=/src,volume-nocopy=true" busybox true
	expect_match "$err" "'volume-nocopy' is for type=volume"
	expect_fail 125 run --mount "type=npipe,src=$T/src,dst=/src" busybox true
	expect_match "$err" "type=npipe is for Windows"
}

# A link in a folder of the user's that leads out leads to what the container has there.
test_links_stay_inside() {
	use_busybox
	mkdir "$T/src"
	ln -s / "$T/src/root"
	mkdir "$T/secret"
	ln -s "$T/secret" "$T/src/secret"
	expect_ok run -v "$T/src:/src" -v "$T/src:/src/root/inner" busybox ls -d /inner
	expect_fail 1 run -v "$T/src:/src" busybox ls /src/secret/
}

# You are in there who you are outside: files are made as one's own, and root's stay root's.
test_keep_id() {
	use_busybox
	local uid gid
	uid=$(id -u) gid=$(id -g)
	mkdir "$T/src"
	echo mine >"$T/src/mine"
	if [ "$KIND" = root ]; then
		expect_fail 125 run --userns keep-id busybox true
		expect_match "$err" "keep-id is for ordinary users"
		return
	fi
	expect_ok run --userns keep-id -v "$T/src:/src" busybox sh -c 'id -u; id -g; stat -c %u:%g /src/mine /bin/sh /; touch /src/made; mkdir /src/dir; stat -c %u:%g /src/made; touch /x 2>/dev/null || echo no'
	expect_eq "$out" "$uid
$gid
$uid:$gid
0:0
0:0
$uid:$gid$([ "$KIND" = nosubids ] || printf '\nno')"
	expect_eq "$(stat -c %u:%g "$T/src/made" "$T/src/dir" | uniq)" "$uid:$gid"
	expect_ok run --userns keep-id:uid=77,gid=78 -v "$T/src:/src" busybox sh -c 'id -u; stat -c %u:%g /src/mine /src/made; touch /src/other'
	expect_eq "$out" $'77\n77:78\n77:78'
	expect_eq "$(stat -c %u:%g "$T/src/other")" "$uid:$gid"
	expect_ok run --userns keep-id --user 0 -v "$T/src:/src" busybox sh -c 'id -u; stat -c %u:%g /src/mine; chown 5:6 /src/mine; stat -c %u:%g /src/mine; chown '"$uid:$gid"' /src/mine'
	expect_eq "$out" "0
$uid:$gid
5:6"
	expect_eq "$(stat -c %u:%g "$T/src/mine")" "$uid:$gid"
	expect_fail 125 run --userns keep-id:uid=x busybox true
	expect_match "$err" "uid=NUMBER and gid=NUMBER are known"
	expect_fail 125 run --userns nomap busybox true
}

owners_in_tar() {
	tar --numeric-owner -tvf "$1" | awk -v names="$2" '{ n = split(names, w); for (i = 1; i <= n; i++) if ($6 == w[i]) print $6, $2 }' | sort
}

# What looks at its files from outside uses the map that it was made with.
test_owners_of_keep_id_from_outside() {
	[ "$KIND" != root ] || return 0
	use_busybox
	local own
	own=$(id -u):$(id -g)
	expect_ok cloche run --name kept --userns keep-id --user 0 --network none busybox \
		sh -c 'for f in a b c; do echo $f >/$f; done; chown '"$own"' /b; chown 33:34 /c; rm /bin/ls'
	cloche export kept >"$T/kept.tar"
	expect_eq "$(owners_in_tar "$T/kept.tar" "a b c bin/sh bin/ls")" $'a 0/0\nb '"${own/:/\/}"$'\nbin/sh 0/0\nc 33/34'
	expect_ok cloche diff kept
	expect_eq "$(sort <<<"$out")" $'A /a\nA /b\nA /c\nC /bin\nD /bin/ls'
	expect_ok cloche commit kept done
	expect_ok run done stat -c %u:%g /a /b /c /bin/sh
	expect_eq "$out" $'0:0\n'"$own"$'\n33:34\n0:0'

	cloche cp kept:/b - >"$T/b.tar"
	expect_eq "$(owners_in_tar "$T/b.tar" b)" "b ${own/:/\/}"
	expect_ok cloche cp kept:/c "$T/c"
	expect_eq "$(stat -c %u:%g "$T/c")" "$own"
	expect_ok cloche cp "$T/c" kept:/from-host
	cloche export kept >"$T/kept.tar"
	expect_eq "$(owners_in_tar "$T/kept.tar" "from-host c")" $'c 33/34\nfrom-host 0/0'
	expect_ok cloche create --name usual --network none busybox true
	if [ "$KIND" = subids ]; then
		expect_ok cloche cp -a "$T/c" kept:/archived
		cloche export kept >"$T/kept.tar"
		expect_eq "$(owners_in_tar "$T/kept.tar" archived)" "archived ${own/:/\/}"
		expect_fail 125 cloche cp kept:/a usual:/a
		expect_match "$err" "have their ids mapped in different ways"
	else
		expect_ok cloche cp kept:/a usual:/a
	fi
}

test_inspect_shows_what_was_asked_for() {
	use_busybox
	mkdir "$T/src"
	expect_ok cloche create --name one --network none -v "$T/src:/src:ro,z" -v data:/data busybox true
	expect_ok cloche inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Mode}} {{.RW}} {{.Propagation}};{{end}}' one
	expect_match "$out" "bind /src ro,z false rprivate;"
	expect_match "$out" "volume /data  true"
	expect_ok cloche inspect -f '{{range .Mounts}}{{.Source}} {{end}}' one
	expect_match "$out" "$T/src "
	expect_match "$out" "/volumes/data/data "
	expect_ok cloche inspect one
	expect_match "$out" '"Name": "data"'
}
