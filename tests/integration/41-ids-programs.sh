# Users and owners where one id is mapped: what Debian's own programs make of them.
# users: nosubids
# fixtures: debian
# timeout: 120

# inside SCRIPT: in a container of the image, which is thrown away
inside() {
	use_debian
	expect_ok cloche run --rm --network none debian:bookworm sh -ec "$1"
}

test_users_and_groups_are_made_and_become_someone() {
	inside 'useradd -m -u 1500 alice; groupadd -g 1600 gang; usermod -aG gang alice
		su alice -c "id -un; id -Gn; touch ~/f; stat -c %U:%G ~/f"
		su alice -c "newgrp gang" <<-"E"
			id -gn; touch ~/g; stat -c %U:%G ~/g
		E
		stat -c "%U %a" /home/alice
		setpriv --reuid=alice --regid=alice --init-groups id -G; setpriv --reuid 33 --regid 33 --clear-groups id -un
		su alice -c "passwd -S alice" | cut -d" " -f1,2; ls -l /usr/bin/passwd | cut -d" " -f1,3'
	expect_eq "$out" $'alice\nalice gang\nalice:alice\ngang\nalice:gang\nalice 755\n1500 1600\nwww-data\nalice L\n-rwsr-xr-x root'
}

test_copies_keep_owners() {
	inside 'mkdir /src; cd /src; touch a b; ln -s a l; mkfifo p; mknod n c 1 3
		chown 33:34 a; chown -h 5:6 l; chown 7:8 p; chmod 4755 b; mkdir -m 2775 d; chown 0:50 d
		cp -a /src /one; mkdir /two; tar -C /src -cf - . | tar -C /two -xpf -
		show() { cd $1; stat -c "%n %F %u:%g %a %t,%T" a b d l n p; }
		show /src >/tmp/0; show /one >/tmp/1; show /two >/tmp/2; cmp /tmp/0 /tmp/1; cmp /tmp/0 /tmp/2; cat /tmp/0; find /one -user 7'
	expect_eq "$out" $'a regular empty file 33:34 644 0,0\nb regular empty file 0:0 4755 0,0\nd directory 0:50 2775 0,0\nl symbolic link 5:6 777 0,0\nn character special file 0:0 644 1,3\np fifo 7:8 644 0,0\n/one/p'
}

test_languages_change_their_ids() {
	# shellcheck disable=SC2016
	inside 'perl -e '"'"'$) = "33 33 34"; $> = 33; print "$< $> $)\n"; open my $f, ">", "/tmp/x"; print +(stat "/tmp/x")[4], "\n"'"'"
	expect_eq "$out" $'0 33 33 33 34\n33'
}

test_proc_says_who_a_process_is_however_it_is_opened() {
	# Without flags, with O_NOCTTY, with O_CLOEXEC, and of another process; a limit that is ours is not seen.
	# shellcheck disable=SC2016
	inside 'setpriv --reuid 33 --regid 34 --clear-groups sh -c "cat /proc/self/status | grep Uid; grep Gid /proc/self/status"
		setpriv --reuid 33 --regid 34 --clear-groups perl -ne '"'"'print if /^Uid/'"'"' /proc/self/status
		setpriv --reuid 33 --clear-groups sleep 100 & until grep -q ^Uid:.33 /proc/$!/status; do :; done
		grep locks /proc/$!/limits | tr -s " "; cd /proc/$!; grep Uid status; kill $!'
	expect_eq "$out" $'Uid:\t33\t33\t33\t33\nGid:\t34\t34\t34\t34\nUid:\t33\t33\t33\t33\nMax file locks unlimited unlimited locks \nUid:\t33\t33\t33\t33'
}

test_owners_show_though_users_are_there() {
	# Once there has been a user, or a terminal has got an owner, the quick way is not taken any more: the same must come out.
	inside 'stat -c %U:%G /etc/shadow /etc/passwd /proc/1; setpriv --reuid 33 --clear-groups sleep 100 & stat -c %U:%G /etc/shadow /etc/passwd
		until [ "$(stat -c %U /proc/$!)" = www-data ]; do :; done; stat -c %U:%G /etc/shadow /proc/1; kill $!'
	expect_eq "$out" $'root:shadow\nroot:root\nroot:root\nroot:shadow\nroot:root\nroot:shadow\nroot:root'
}
