# Users and owners where one id is mapped: src/intercept in a bare container, as an ordinary user.
# users: nosubids
# timeout: 120

tests=$(dirname "$CLOCHE")/tests

# A root folder in $R with busybox.
make_root() {
	[ -e "$FIXTURES/busybox.tar" ] || skip "busybox is not installed"
	R=$T/rootfs
	mkdir -p "$R"
	tar -C "$R" -xf "$FIXTURES/busybox.tar" --no-same-owner
	mkdir -p "$R/proc" "$R/dev" "$R/tmp" "$R/work"
}

# inside [-l LEVEL] SCRIPT
inside() {
	local level=2
	if [ "$1" = -l ]; then
		level=$2
		shift 2
	fi
	"$tests/idrun" -l "$level" "$R" /bin/sh -c "cd /work; $1"
}

test_owners_are_kept_on_files() {
	make_root
	expect_ok inside 'touch f; mkdir d; ln -s f l; mkfifo p
		chown 33:44 f; chown 1:2 d; chown -h 5:6 l; chown 4294967294:7 p
		stat -c "%n %u:%g" f d l p'
	expect_eq "$out" $'f 33:44\nd 1:2\nl 5:6\np 4294967294:7'
	expect_ok inside 'stat -c "%n %u:%g" f d l p; rm -rf f d l p'
	expect_eq "$out" $'f 33:44\nd 1:2\nl 5:6\np 4294967294:7' "in the next container"
}

test_owners_survive_tar_and_cp() {
	make_root
	# busybox's tar leaves the owner of symbolic links alone, its cp does not.
	expect_ok inside 'touch f s; chown 33:44 f; chown 5:6 s; chmod 4755 s; mknod n c 1 3; ln -s f l; chown -h 7:8 l
		tar cf t.tar f s n; mkdir o c; tar xpf t.tar -C o; cp -a f s n l c
		for d in o c; do (cd $d; stat -c "%n %u:%g %a %F" f s n); done; stat -c %u:%g c/l'
	local each=$'f 33:44 644 regular empty file\ns 5:6 4755 regular empty file\nn 0:0 644 character special file'
	expect_eq "$out" "$each"$'\n'"$each"$'\n7:8'
}

test_users_make_their_own_files() {
	make_root
	printf 'root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n' >"$R/etc/passwd"
	expect_ok inside 'chmod 777 .; su web -c "id -u; id -g; touch f; mkdir d; stat -c %u:%g f d; chown 0 f"; id -u'
	expect_eq "$out" $'33\n34\n33:34\n33:34\n0'
	expect_match "$err" "Operation not permitted"
}

test_a_change_of_owner_takes_set_id_bits_off() {
	make_root
	expect_ok inside 'touch f; chmod 6755 f; chown 1:1 f; stat -c %a f'
	expect_eq "$out" 755
}

# What is root's already is left to the kernel, with all that a chown does.
test_root_gives_root_what_is_roots() {
	make_root
	printf 'root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n' >"$R/etc/passwd"
	expect_ok inside 'touch s f; mkdir d; ln -s f l; chmod 6755 s
		chown 0:0 s; chown 0 d; chgrp 0 d; chown -h 0:0 l; stat -c "%n %u:%g %a" s d
		chown 33:44 f; chown 0 f; stat -c "%n %u:%g" f; chown 0:0 f; stat -c "%n %u:%g" f
		chmod 4755 s; su web -c "chown 0:0 s || id -u"; stat -c %a s'
	expect_eq "$out" $'s 0:0 755\nd 0:0 755\nf 0:44\nf 0:0\n33\n4755'
	expect_match "$err" "Operation not permitted"
	expect_eq "$(getfattr -d -m - "$R/work/f" "$R/work/s" "$R/work/d")" ""
	# Files of the machine's, of which the kernel would refuse it.
	expect_ok inside 'chown 0:0 /proc/version /dev/null'
}

test_status_shows_the_ids() {
	make_root
	printf 'web:x:33:34::/:/bin/sh\n' >"$R/etc/passwd"
	expect_ok inside 'su web -c "cat /proc/self/status" | grep -E "^(Uid|Gid|CapEff)"'
	expect_eq "$out" $'Uid:\t33\t33\t33\t33\nGid:\t34\t34\t34\t34\nCapEff:\t0000000000000000'
}

test_races_and_detours() {
	make_root
	cp "$tests/idstress" "$R/idstress"
	expect_ok inside /idstress
	expect_no_match "$out" WRONG
}

test_level_3_refuses() {
	make_root
	printf 'web:x:33:34::/:/bin/sh\n' >"$R/etc/passwd"
	local script='chmod 755 .; echo x >secret; chmod 600 secret; echo x >open; chmod 666 open; mkdir -m 1777 sticky; touch sticky/r
		su web -c "cat secret; cat open; rm -f secret; touch new; echo y >>open; rm -f sticky/r; chmod 777 open; test -r secret || echo unreadable; touch sticky/mine && rm sticky/mine && echo mine"
		ls'
	expect_ok inside -l 3 "$script"
	expect_eq "$out" $'x\nunreadable\nmine\nopen\nsecret\nsticky'
	expect_match "$err" "can't open 'secret': Permission denied"
	expect_match "$err" "can't remove 'secret': Permission denied"
	expect_match "$err" "new: Permission denied"
	expect_match "$err" "can't remove 'sticky/r': Operation not permitted"
	expect_match "$err" "open: Operation not permitted"
}

test_level_1_only_lets_be_set() {
	make_root
	expect_ok inside -l 1 'touch f; chown 33:44 f; stat -c %u:%g f'
	expect_eq "$out" 0:0
	expect_ok inside 'stat -c %u:%g f'
	expect_eq "$out" 33:44
}

test_our_attributes_are_hidden() {
	make_root
	command -v getfattr >/dev/null || skip "getfattr is not installed"
	expect_ok inside 'touch f; chown 33:44 f'
	expect_match "$(getfattr -d -m - "$R/work/f")" 'user.cloche.owner="33:44"'
	cp "$(command -v getfattr)" "$R/getfattr"
	cp -L --parents $(ldd "$(command -v getfattr)" | grep -o '/[^ ]*') "$R" || skip "cannot take getfattr along"
	expect_ok inside '/getfattr -d -m - f; /getfattr -n user.cloche.owner f 2>&1 || true'
	expect_no_match "$out" 33:44
}

# Lives are tied: without the supervisor every call that it answers would fail in odd ways.
test_the_container_ends_with_its_supervisor() {
	make_root
	start "$tests/idrun" "$R" /bin/sh -c 'touch /work/up; exec sleep 1000'
	wait_for 5 test -e "$R/work/up"
	kill -9 "$(pgrep -P "$pid" -f intercept)"
	finish
	expect_eq "$status" 137
}

# What it keeps is for sets of ids and for files, never for processes or calls.
test_the_supervisor_does_not_grow() {
	make_root
	mkfifo "$R/work/go"
	start "$tests/idrun" "$R" /bin/sh -c 'cd /work; touch f; chown 33 f
		while read n <go; do
			i=0; while [ $i -lt $n ]; do ( : ); i=$((i+1)); done
			i=0; while [ $i -lt $((n*10)) ]; do [ -O f ]; i=$((i+1)); done
			touch done
		done'
	local supervisor before after
	wait_for 5 pgrep -P "$pid" -f intercept
	supervisor=$(pgrep -P "$pid" -f intercept)
	burst() {
		echo "$1" >"$R/work/go"
		wait_for 60 test -e "$R/work/done"
		rm "$R/work/done"
		awk '/^VmRSS/ { print $2 }' "/proc/$supervisor/status"
	}
	before=$(burst 50)
	after=$(burst 300)
	kill "$pid" && finish
	[ $((after - before)) -le 128 ] || fail "it had $before KiB, and has $after KiB after 300 forks and 3,000 calls of stat"
}

test_few_descriptors_are_enough_or_refused() {
	make_root
	(
		ulimit -Sn 40
		expect_ok inside 'touch f; chown 33:44 f; stat -c %u:%g f; ulimit -n'
		expect_eq "$out" $'33:44\n40'
	)
	(
		ulimit -n 40
		expect_fail 125 inside true
		expect_match "$err" "needs 64 descriptors|the limit is 40" # idrun and its child may both be speaking
	)
}

test_no_descriptor_leaks_in() {
	make_root
	expect_ok inside 'ls /proc/self/fd | tr "\n" " "'
	expect_eq "$out" "0 1 2 3 "
}

# The same through the product: what a step of a build sets, the image has, and a run shows.
test_an_image_carries_owners() {
	use_busybox
	mkdir context
	cat >context/Dockerfile <<-'END'
		FROM busybox
		RUN mkdir -m 2775 /srv && touch /srv/f && chown -R 33:34 /srv && ln -s f /srv/l && chown -h 5:6 /srv/l && mknod /srv/n c 1 3
		USER 33:34
		RUN touch /srv/mine
	END
	expect_ok cloche build --network host -t owned context
	expect_ok cloche run --rm --network none owned sh -c 'id -u; stat -c "%n %u:%g %a %F" /srv /srv/*'
	expect_eq "$out" $'33\n/srv 33:34 2775 directory\n/srv/f 33:34 644 regular empty file\n/srv/l 5:6 777 symbolic link\n/srv/mine 33:34 644 regular empty file\n/srv/n 0:34 644 character special file'
	expect_ok cloche save -o owned.tar owned
	mkdir image
	tar -C image -xf owned.tar
	local layer listing=
	for layer in $(find image -type f); do
		listing+=$(tar --numeric-owner -tvf "$layer" 2>/dev/null || true)$'\n'
	done
	expect_match "$listing" 'crw-r--r-- 0/34 +1,3 .*srv/n'
	expect_match "$listing" 'lrwxrwxrwx 5/6 .*srv/l'
	expect_match "$listing" '-rw-r--r-- 33/34 .*srv/mine'
}

test_races_in_a_real_container() {
	use_busybox
	cp "$tests/idstress" "$T/idstress"
	chmod 755 "$T/idstress"
	expect_ok cloche run --rm --network none -v "$T/idstress:/idstress:ro" -w /tmp busybox /idstress
	expect_no_match "$out" WRONG
}

test_no_new_privileges_holds() {
	use_busybox
	cp "$tests/idstress" "$T/idstress"
	local script='cp /idstress /set-id && chown 33:34 /set-id && chmod 6755 /set-id && exec /idstress set-id'
	expect_ok cloche run --rm --network none -v "$T/idstress:/idstress:ro" -w /tmp busybox sh -c "$script"
	expect_fail 1 cloche run --rm --network none --security-opt no-new-privileges -v "$T/idstress:/idstress:ro" -w /tmp busybox sh -c "$script"
	expect_match "$out" "WRONG set-id"
}

test_the_supervisor_is_tied_to_a_run() {
	use_busybox
	start cloche run --rm --network none -v "$T:/out" busybox sh -c 'touch /out/up; exec sleep 1000'
	wait_for 5 test -e "$T/up"
	local command supervisor
	command=$(pgrep -P "$pid" -x cloche || echo "$pid")
	supervisor=$(pgrep -P "$command" -f '^cloche-intercept')
	kill -9 $supervisor
	finish
	expect_eq "$status" 137
	expect_match "$(cat "$T/start.err")" "the supervisor of emulated ids .* has ended, so the container was killed"
}

test_the_supervisor_is_tied_to_a_run_in_the_background() {
	use_busybox
	expect_ok cloche run -d --name web --network none busybox sleep 1000
	local monitor guard
	expect_ok cloche inspect -f '{{.State.Pid}}' web
	monitor=$(ps -o ppid= -p "$out" | tr -d ' ')
	guard=$(tr '\0' '\n' <"/proc/$monitor/cmdline" | sed -n 's/^guard0=//p')
	kill -9 "$(awk '/^Pid:/ { print $2 }' "/proc/$monitor/fdinfo/$guard")"
	expect_ok cloche wait web
	expect_eq "$out" 137
	expect_ok cloche logs web
	expect_match "$err" "a helper of the container has ended"
}
