# The mounts of a config.json: each option that the runtime specification, runc and crun have.
# users: root nosubids subids
# needs: python3
# once: test_options_that_mean_nothing_there

. "$SRC/tests/lib/bundle.sh"

# The options of the mount on $1 in the container.
options_inside() {
	expect_ok inside sh -c 'grep " $0 " /proc/self/mountinfo' "$1"
}

# Only root can do without, and only then may the access times of the machine's mounts be changed.
without_user_namespace() {
	edit 'c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "user"]; c["linux"].pop("uidMappings"); c["linux"].pop("gidMappings")
for names in c["process"]["capabilities"].values(): "CAP_MKNOD" in names and names.remove("CAP_MKNOD")'
}

test_every_option_is_known() {
	[ "$KIND" = root ] || skip "only root may use them all"
	make_bundle
	without_user_namespace
	local o
	mkdir "$T/v"
	for o in async atime defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec noiversion \
		nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rdev rdiratime relatime rexec rnoatime \
		rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave \
		rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync unbindable; do
		add_mount "/v/$o" bind "$T/v" rbind "$o"
	done
	expect_ok inside true
}

test_attributes_of_new_file_systems() {
	make_bundle
	add_mount /a tmpfs aName nosuid nodev noexec noatime ro size=64k
	add_mount tmp/relative tmpfs tmpfs sync lazytime rro
	options_inside /a
	expect_match "$out" ' ro,nosuid,nodev,noexec,noatime - tmpfs aName ro,.*size=64k'
	options_inside /tmp/relative
	expect_match "$out" ' ro,relatime - tmpfs tmpfs rw,sync'
}

test_recursive_attributes_of_binds() {
	[ "$KIND" = root ] || skip "only root has mounts to show"
	make_bundle
	without_user_namespace
	mkdir -p "$T/v/below"
	add_mount /flat bind "$T/v" rbind ro
	add_mount /deep bind "$T/v" rbind rro rnoatime rnosuid
	in_own_mounts sh -c "mount -t tmpfs below '$T/v/below' && exec '$run_bundle' '$B' grep -E ' /(flat|deep)' /proc/self/mountinfo" >"$T/out"
	expect_match "$(grep ' /flat ' "$T/out")" ' ro,'
	expect_match "$(grep ' /flat/below ' "$T/out")" ' rw,'
	expect_match "$(grep ' /deep ' "$T/out")" ' ro,nosuid,noatime'
	expect_match "$(grep ' /deep/below ' "$T/out")" ' ro,nosuid,noatime'
}

test_remount() {
	make_bundle
	mkdir "$T/v"
	add_mount /v bind "$T/v" rbind
	add_mount /v none "" bind remount ro nosuid
	add_mount /t tmpfs tmpfs size=1m
	add_mount /t tmpfs tmpfs remount size=64k noexec
	options_inside /v
	expect_match "$out" ' ro,nosuid'
	options_inside /t
	expect_match "$out" 'noexec.*size=64k'
}

test_tmpcopyup() {
	make_bundle
	mkdir -p "$B/rootfs/data/deep/er" "$B/rootfs/data/none"
	echo text >"$B/rootfs/data/deep/er/file" && chmod 640 "$B/rootfs/data/deep/er/file"
	truncate -s 5M "$B/rootfs/data/large"
	ln -s /etc/passwd "$B/rootfs/data/link"
	touch -d 2001-02-03 "$B/rootfs/data/deep/er/file"
	add_mount /data tmpfs tmpfs tmpcopyup mode=755
	expect_ok inside sh -c 'cd /data; cat deep/er/file; stat -c "%a %Y" deep/er/file; readlink link; stat -c %s large; ls | tr "\n" " "; echo new >deep/er/file; mount | grep -c " /data type tmpfs"'
	expect_eq "$out" "text
640 $(date -d 2001-02-03 +%s)
/etc/passwd
5242880
deep large link none 1"
	expect_eq "$(cat "$B/rootfs/data/deep/er/file")" text
}

test_links_themselves() {
	make_bundle
	ln -s /bin/busybox "$T/link"
	mkdir -p "$B/rootfs/made"
	add_mount /made/copy bind "$T/link" rbind copy-symlink
	expect_ok inside readlink /made/copy
	expect_eq "$out" /bin/busybox
	# Again, over what is there by now; and not over another.
	expect_ok inside true
	rm "$B/rootfs/made/copy" && ln -s /other "$B/rootfs/made/copy"
	expect_fail 125 inside true
	expect_match "$err" "make the link '/made/copy': File exists"
	edit 'c["mounts"].pop()'
	add_mount /made/here bind "$T/link" bind src-nofollow
	expect_ok inside readlink /made/here
	expect_eq "$out" /bin/busybox
}

test_a_link_is_mounted_on() {
	make_bundle
	ln -s /etc "$B/rootfs/onto"
	echo inside >"$T/file"
	add_mount /onto bind "$T/file" bind dest-nofollow
	expect_ok inside cat /onto
	expect_eq "$out" inside
}

test_mapped_ids() {
	make_bundle
	mkdir "$T/v" && touch "$T/v/of-root" "$T/v/of-7"
	edit "c['mounts'].append({'destination': '/v', 'type': 'bind', 'source': '$T/v', 'options': ['bind', 'idmap'],
'uidMappings': [{'containerID': 0, 'hostID': 100000, 'size': 10}], 'gidMappings': [{'containerID': 0, 'hostID': 100000, 'size': 10}]})"
	if [ "$KIND" != root ]; then
		expect_fail 125 inside true
		expect_match "$err" "mount on '/v': map the ids of '$T/v': Operation not permitted|mount on '/v': map ids: newuidmap failed"
		return 0
	fi
	chown 7:8 "$T/v/of-7"
	edit 'for k in ("uidMappings", "gidMappings"): c["linux"][k] = [{"containerID": 0, "hostID": 0, "size": 1}, {"containerID": 1000, "hostID": 100000, "size": 10}]'
	expect_ok inside stat -c %u:%g /v/of-root /v/of-7
	expect_eq "$out" $'1000:1000\n1007:1008'
	# Who has no id in that file system can make nothing there.
	expect_fail any inside touch /v/new
	# By the map of the container's user namespace itself, over the whole tree.
	edit 'c["mounts"][-1].pop("uidMappings"); c["mounts"][-1].pop("gidMappings"); c["mounts"][-1]["options"] = ["rbind", "ridmap"]
for k in ("uidMappings", "gidMappings"): c["linux"][k] = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	chown -R 100000:100000 "$B/rootfs"
	chmod a+rx "$T" "$B" "$T/.." "$T/../.."
	expect_ok inside sh -c 'stat -c %u:%g /v/of-root /v/of-7; touch /v/new'
	expect_eq "$out" $'0:0\n7:8'
	expect_eq "$(stat -c %u:%g "$T/v/new")" 0:0
	edit 'c["mounts"][-1]["uidMappings"] = [{"containerID": 0, "hostID": 1, "size": 1}]'
	expect_fail 125 inside true
	expect_match "$err" "uidMappings and gidMappings go together"
}

test_mounts_are_shared_as_asked() {
	[ "$KIND" = root ] || skip "only root mounts outside"
	make_bundle
	mkdir "$T/v"
	without_user_namespace
	edit 'c["process"]["capabilities"] = {k: ["CAP_SYS_ADMIN"] for k in ("bounding", "effective", "permitted")}; del c["linux"]["seccomp"]'
	add_mount /shared bind "$T/v" rbind rshared
	add_mount /slave bind "$T/v" rbind rslave
	add_mount /private bind "$T/v" rbind
	expect_ok unshare -m --propagation private sh -c "mount -t tmpfs v '$T/v' && mount --make-shared '$T/v' && mkdir '$T/v/in' '$T/v/out' && mkfifo '$T/v/go' '$T/v/come'
		'$run_bundle' '$B' sh -c 'mount -t tmpfs in /shared/in && : >/shared/in/x; echo >/shared/go; read x </shared/come; ls /slave/out /private/out /slave/in' &
		read x <'$T/v/go'; ls '$T/v/in'; mount -t tmpfs out '$T/v/out'; : >'$T/v/out/y'; echo >'$T/v/come'; wait \$!; umount '$T/v/out'"
	expect_eq "$out" $'x\n/private/out:\n\n/slave/in:\nx\n\n/slave/out:\ny'
}

test_propagation_of_the_root() {
	make_bundle
	local p
	for p in shared:shared: rslave:master: slave:master: private:: unbindable:unbindable ""; do
		edit "c['linux']['rootfsPropagation'] = '${p%%:*}'"
		options_inside /
		case $p in
		shared*) expect_match "$out" ' shared:' ;;
		unbindable*) expect_match "$out" ' unbindable ' ;;
		*) expect_no_match "$out" ' (shared|unbindable)' ;;
		esac
	done
	edit 'c["linux"]["rootfsPropagation"] = "wild"'
	expect_fail 125 inside true
	expect_match "$err" "rootfsPropagation: there is no 'wild'"
}

test_options_that_mean_nothing_there() {
	make_bundle
	local case
	for case in "proc tmpcopyup" "tmpfs idmap" "tmpfs copy-symlink" "sysfs remount" "tmpfs src-nofollow"; do
		add_mount /x "${case% *}" x "${case#* }"
		expect_fail 125 inside true
		expect_match "$err" "mount on '/x': the option '${case#* }' means nothing for a mount of type ${case% *}"
		edit 'c["mounts"].pop()'
	done
}
