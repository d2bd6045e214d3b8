# Named volumes: made, filled, shared, listed, removed.
# users: root nosubids subids
# needs: python3

run() {
	cloche run --rm --network none "$@"
}

pack_volume_image() {
	tar -C "$T/image" --owner=0 --group=0 --exclude=./data -cf "$T/image.tar" .
	tar -C "$T/image" --owner=33 --group=34 --mode=u=rwX,g=rX,o= -rf "$T/image.tar" ./data
}

# An image "vol" with a volume at /data that has files of several owners, and a link that leads out.
use_volume_image() {
	mkdir -p "$T/image"
	tar -C "$T/image" -xf "$FIXTURES/busybox.tar" --no-same-owner
	mkdir -p "$T/image/data/sub"
	echo one >"$T/image/data/one"
	ln -s /etc/passwd "$T/image/data/out"
	ln -s ../../../../../../../../tmp "$T/image/far"
	pack_volume_image
	cloche import -c 'VOLUME /data' "$T/image.tar" vol >/dev/null
}

test_create_list_inspect_remove() {
	expect_ok cloche volume create --label a=b --label c data
	expect_eq "$out" data
	expect_ok cloche volume create data
	expect_ok cloche volume create
	[ "${#out}" = 64 ] || fail "a name of 64 digits: $out"
	expect_ok cloche volume ls
	expect_match "$out" "^DRIVER +VOLUME NAME
local +"
	expect_match "$(sort <<<"$out")" "local +[0-9a-f]{64}"
	expect_match "$(grep -c . <<<"$out")" "^3$"
	expect_match "$(grep 'local *data$' <<<"$out")" data
	expect_ok cloche volume ls -q --filter label=a=b
	expect_eq "$out" data
	expect_ok cloche volume ls -q --filter label=a=x
	expect_eq "$out" ""
	expect_fail 125 cloche volume ls --filter odd=1
	expect_ok cloche volume ls --format '{{.Name}}:{{.Labels}}' --filter name=dat
	expect_eq "$out" "data:a=b,c="
	expect_ok cloche volume inspect data
	expect_ok python3 -c 'import json,sys; v=json.loads(sys.argv[1])[0]; print(v["Name"], v["Driver"], v["Labels"], v["Options"], v["Scope"])' "$out"
	expect_eq "$out" "data local {'a': 'b', 'c': ''} None local"
	expect_ok cloche inspect --type volume -f '{{.Mountpoint}}' data
	expect_file "$out"
	expect_fail 125 cloche volume inspect data nothing
	expect_match "$err" "there is no volume 'nothing'"
	expect_match "$out" '"Name": "data"'
	expect_ok cloche volume rm data
	expect_fail 1 cloche volume rm data
	expect_match "$err" "volume rm: there is no volume 'data'"
	expect_ok cloche volume rm -f data
}

test_names_and_options_that_are_refused() {
	local name
	for name in x .hidden a/b '../x' 'a b' $'a\nb' $'\xff\xfe' ''; do
		expect_fail 125 cloche volume create "$name"
		expect_match "$err" "not a name for a volume"
	done
	expect_fail 125 cloche volume create "$(printf 'a%.0s' {1..300})"
	expect_fail 125 cloche volume create -d nfs data
	expect_match "$err" "there is no volume driver 'nfs'"
	expect_fail 125 cloche volume create -o type=nfs -o device=:/x data
	expect_match "$err" "type 'nfs' can't be mounted"
	expect_match "$err" "hint: only root of the machine could"
	expect_fail 125 cloche volume create -o odd=1 data
	expect_fail 125 cloche volume create -o o=bind -o device=rel data
	expect_ok cloche volume ls -q
	expect_eq "$out" ""
}

test_options_of_the_local_driver() {
	use_busybox
	mkdir "$T/www"
	echo page >"$T/www/index"
	expect_ok cloche volume create -o type=none -o o=bind -o device="$T/www" www
	expect_ok run -v www:/w busybox cat /w/index
	expect_eq "$out" page
	expect_ok cloche volume create -o type=tmpfs -o o=size=64k mem
	expect_ok run -v mem:/m busybox sh -c 'grep " /m " /proc/mounts; dd if=/dev/zero of=/m/x bs=1k count=100 2>&1 | grep -c "No space"'
	expect_match "$out" "^tmpfs /m tmpfs .*size=64k"
	expect_match "$out" "1$"
}

test_owners_last_in_a_volume() {
	use_busybox
	expect_ok run -v data:/data busybox sh -c 'echo hi >/data/f; chown 33:34 /data/f'
	expect_ok run -v data:/d:ro busybox sh -c 'cat /d/f; stat -c %u:%g /d/f'
	expect_eq "$out" $'hi\n33:34'
	expect_fail 1 run -v data:/d:ro busybox touch /d/x
	expect_ok run --user 33 -v data:/d busybox sh -c 'echo more >>/d/f; cat /d/f'
	expect_eq "$out" $'hi\nmore'
}

test_the_image_fills_an_empty_volume_once() {
	use_volume_image
	expect_ok run -v data:/data vol sh -c 'stat -c "%n %u:%g %a" /data /data/one /data/sub; readlink /data/out; rm /data/one'
	expect_eq "$out" $'/data 33:34 750\n/data/one 33:34 640\n/data/sub 33:34 750\n/etc/passwd'
	expect_ok run -v data:/data vol ls /data
	expect_eq "$out" $'out\nsub'
	expect_ok run -v bare:/data:nocopy vol ls /data
	expect_eq "$out" ""
	# A link of the image that leads out leads nowhere.
	expect_ok run -v far:/far vol ls /far
	expect_eq "$out" ""
}

test_volumes_of_the_image() {
	use_volume_image
	expect_ok run vol sh -c 'ls /data; echo x >/data/x; grep -c " /data " /proc/mounts'
	expect_match "$out" $'^one\nout\nsub\n1$'
	expect_ok cloche volume ls -q
	expect_eq "$out" "" "--rm takes it along"
	expect_ok run -v named:/data vol true
	expect_ok cloche volume ls -q
	expect_eq "$out" named
	expect_ok run --image-volume ignore vol sh -c 'grep -c " /data " /proc/mounts || :'
	expect_eq "$out" 0
	expect_ok run --image-volume tmpfs vol sh -c 'grep " /data " /proc/mounts; ls /data'
	expect_match "$out" "^tmpfs /data tmpfs"
}

test_nameless_volumes_go_with_rm_v_and_prune() {
	use_busybox
	expect_ok cloche create --name one --network none -v /a -v keep:/b busybox true
	expect_ok cloche create --name two --network none -v /a busybox true
	expect_eq "$(cloche volume ls -q | wc -l)" 3
	expect_ok cloche rm -v one
	expect_eq "$(cloche volume ls -q | wc -l)" 2
	expect_ok cloche rm two
	expect_eq "$(cloche volume ls -q | wc -l)" 2
	expect_ok cloche volume ls -q --filter dangling=true
	expect_eq "$(wc -l <<<"$out")" 2
	expect_ok cloche volume prune </dev/null
	expect_match "$out" "Are you sure"
	expect_eq "$(cloche volume ls -q | wc -l)" 2
	expect_ok cloche volume prune -f
	expect_match "$out" $'^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$'
	expect_ok cloche volume prune -a -f
	expect_match "$out" $'^Deleted Volumes:\nkeep\n'
	expect_eq "$(find "$T/root/volumes" "$T/root/trash" "$T/root/tmp" -mindepth 1 | wc -l)" 0
}

test_a_volume_in_use_stays() {
	use_busybox
	expect_ok cloche create --name one --network none -v data:/data busybox true
	expect_fail 1 cloche volume rm data
	expect_match "$err" "volume 'data' is in use"
	expect_match "$err" "hint: container [0-9a-f]{12} has it: 'cloche rm'"
	expect_ok cloche volume prune -a -f
	expect_eq "$(cloche volume ls -q)" data
	expect_ok cloche rm one
	start cloche run --rm --network none -v data:/data busybox sh -c 'touch /data/up; exec sleep 1000'
	wait_for 10 test -e "$T/root/volumes/data/data/up"
	expect_fail 1 cloche volume rm data
	expect_match "$err" "is in use"
	kill -KILL "$pid"
	finish
	wait_for 10 cloche volume rm data
}

test_volumes_from() {
	use_busybox
	mkdir "$T/src"
	echo file >"$T/src/f"
	expect_ok cloche create --name one --network none -v data:/data -v "$T/src:/src:ro" -v /none busybox true
	expect_ok run --volumes-from one busybox sh -c 'echo x >/data/x; cat /src/f; touch /src/y 2>&1; ls -d /none'
	expect_match "$out" $'^file\n.*Read-only file system\n/none$'
	expect_fail 1 run --volumes-from one:ro busybox touch /data/z
	expect_ok run --volumes-from one -v other:/data busybox ls /data
	expect_eq "$out" ""
	expect_fail 125 run --volumes-from one:odd busybox true
	expect_match "$err" "unknown mode 'odd'"
	expect_fail 125 run --volumes-from nobody busybox true
	expect_match "$err" "there is no container 'nobody'"
	# Its nameless volume is another's too now.
	expect_ok cloche create --name two --network none --volumes-from one busybox true
	expect_ok cloche rm -v one
	expect_eq "$(cloche volume ls -q | grep -cE '^[0-9a-f]{64}$')" 1
}

test_parts_of_a_volume() {
	use_busybox
	expect_ok run -v data:/data busybox sh -c 'mkdir /data/sub; echo in >/data/sub/f; ln -s /bin /data/out; ln -s sub /data/in'
	expect_ok run --mount type=volume,src=data,dst=/s,volume-subpath=sub busybox cat /s/f
	expect_eq "$out" in
	expect_ok run --mount type=volume,src=data,dst=/s,volume-subpath=in,ro busybox cat /s/f
	# Looked up inside the volume: that has no /bin.
	expect_fail 125 run --mount type=volume,src=data,dst=/s,volume-subpath=out busybox ls /s
	expect_match "$err" "find the volume .*out.*: No such file"
	expect_fail 125 run --mount type=volume,src=data,dst=/s,volume-subpath=/sub busybox ls /s
	expect_match "$err" "is not relative"
	expect_ok run --mount type=volume,dst=/s,volume-opt=type=tmpfs,volume-label=a=b busybox grep ' /s ' /proc/mounts
	expect_match "$out" tmpfs
}

test_two_commands_make_one_volume() {
	local pids=() p
	use_volume_image
	for p in 1 2 3 4 5 6; do
		cloche run --rm --network none -v data:/data vol sh -c "ls /data | wc -l; touch /data/.$p" >"$T/$p.out" 2>"$T/$p.err" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" || fail "one failed: $(cat "$T"/*.err)"
	done
	for p in 1 2 3 4 5 6; do
		expect_eq "$(cat "$T/$p.out")" 3 "what container $p saw"
	done
	expect_eq "$(cloche volume ls -q)" data
}

# A command that is killed while it fills a volume leaves it empty, and the next one fills it.
test_killed_while_filling() {
	local i state
	use_busybox base
	mkdir -p "$T/image/data"
	tar -C "$T/image" -xf "$FIXTURES/busybox.tar" --no-same-owner
	for ((i = 0; i < 1500; i++)); do echo "$i" >"$T/image/data/$i"; done
	tar -C "$T/image" -cf "$T/image.tar" .
	cloche import "$T/image.tar" many >/dev/null
	cloche volume create data >/dev/null
	start cloche run --rm --network none -v data:/data many true
	wait_for 20 eval '[ -n "$(find "$T/root/tmp" -path "*/data/*" -print -quit)" ]'
	kill -KILL "$pid"
	finish
	state=$(find "$T/root/volumes/data/data" -mindepth 1 | wc -l)
	[ "$state" = 0 ] || [ "$state" = 1500 ] || fail "half filled: $state files"
	wait_for 10 eval 'cloche run --rm --network none -v data:/data many sh -c "ls /data | wc -l" | grep -qx 1500'
	cloche system prune -f >/dev/null
	expect_eq "$(find "$T/root/tmp" "$T/root/trash" -mindepth 1 | wc -l)" 0
}

test_full_disk_while_filling() {
	local fs
	use_volume_image
	dd if=/dev/zero of="$T/image/data/big" bs=1M count=12 2>/dev/null
	pack_volume_image
	expect_ok on_small_fs 40m 0 sh -c '
		cloche="'"$CLOCHE"' --root '"$T"'/small/root --runroot '"$T"'/small/run"
		$cloche import "'"$T"'/image.tar" big >/dev/null || exit 9
		dd if=/dev/zero of="'"$T"'/small/ballast" bs=1M 2>/dev/null
		$cloche run --rm --network none -v data:/data big true && exit 8
		ls "'"$T"'/small/root/volumes/data/data" 2>/dev/null | wc -l
		rm "'"$T"'/small/ballast"
		$cloche run --rm --network none -v data:/data big ls /data || exit 7'
	expect_match "$err" "No space left on device"
	expect_eq "$out" $'0\nbig\none\nout\nsub'
}

test_a_volume_outlives_kill_and_restart() {
	use_busybox
	expect_ok cloche create --name one --network none -v data:/data busybox sh -c 'echo again >>/data/log; cat /data/log'
	expect_ok cloche start -a one
	expect_eq "$out" again
	expect_ok cloche start -a one
	expect_eq "$out" $'again\nagain'
}
