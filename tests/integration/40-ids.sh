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

test_no_descriptor_leaks_in() {
	make_root
	expect_ok inside 'ls /proc/self/fd | tr "\n" " "'
	expect_eq "$out" "0 1 2 3 "
}
