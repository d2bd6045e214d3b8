# Packages in a RUN, and the result under other tools.
# needs: mmdebstrap
# fixtures: debian
# timeout: 400

base() {
	[ -e "$FIXTURES/debian.tar" ] || skip "no Debian base: $(cat "$FIXTURES/debian.why" 2>/dev/null)"
	expect_ok cloche import "$FIXTURES/debian.tar" debian
}

test_apt_in_a_run() {
	base
	mkdir ctx
	cat >ctx/Dockerfile <<-'END'
		FROM debian
		RUN apt-get update && apt-get install -y --no-install-recommends nginx-light
		RUN useradd -m somebody && su somebody -c 'touch ~/mine'
		RUN --network=none stat -c '%U:%G %a %n' /etc/shadow /usr/bin/chage /home/somebody/mine && nginx -t
	END
	expect_ok cloche build -t web ctx
	expect_match "$err" 'root:shadow 640 /etc/shadow'
	expect_match "$err" 'root:shadow 2755 /usr/bin/chage'
	expect_match "$err" 'somebody:somebody 644 /home/somebody/mine'
	expect_match "$err" 'syntax is ok'
	# In the archive too.
	expect_ok cloche save -o web.tar web
	need skopeo
	expect_ok skopeo inspect docker-archive:web.tar
	expect_match "$out" '"Os": "linux"'
	[ "$KIND" = root ] || return 0
	need podman
	pod=(podman --root "$T/pod" --runroot "$T/podrun" --storage-driver vfs)
	expect_ok "${pod[@]}" load -i web.tar
	expect_ok "${pod[@]}" image mount web
	expect_eq "$(stat -c '%a' "$out/usr/bin/chage")" 2755
	expect_eq "$(stat -c '%g' "$out/etc/shadow")" 42
	"${pod[@]}" image umount web >/dev/null
	"${pod[@]}" rmi -af >/dev/null
}
