# cloche-oci by itself: the command line that engines call.
# users: root nosubids subids
# once: test_killed_anywhere test_hooks_run_where_they_should test_a_hook_that_takes_too_long test_errors_go_to_the_log test_features_and_version test_what_is_not_there_says_so

oci() {
	"${CLOCHE%/*}/cloche-oci" --root "$T/state" "$@"
}

# bundle ARG...: in $T/bundle, with this command, no terminal.
bundle() {
	mkdir -p "$T/bundle/rootfs"
	[ -e "$T/bundle/rootfs/bin/sh" ] || tar -C "$T/bundle/rootfs" -xf "$FIXTURES/busybox.tar" --no-same-owner
	rm -f "$T/bundle/config.json"
	oci spec --bundle "$T/bundle"
	change 'c["process"]["terminal"] = False; c["process"]["args"] = a' "$@"
}

# change PYTHON ARG...: c is the configuration, a the arguments.
change() {
	python3 - "$T/bundle/config.json" "$@" <<-'END'
		import json, sys
		path, code, a = sys.argv[1], sys.argv[2], sys.argv[3:]
		c = json.load(open(path))
		exec(code)
		json.dump(c, open(path, "w"))
	END
}

status_of() {
	oci state "$1" | sed -n 's/.*"status": "\([a-z]*\)".*/\1/p'
}

has_status() {
	[ "$(status_of "$1")" = "$2" ]
}

end_all() {
	oci list -q 2>/dev/null | while read -r id; do oci delete --force "$id"; done
}

test_create_halts_and_start_lets_go() {
	trap end_all EXIT
	bundle sh -c 'echo began; exec sleep 1000'
	oci create --bundle "$T/bundle" --pid-file "$T/pid" c >"$T/out" 2>&1 </dev/null
	expect_eq "$(cat "$T/out")" ""
	expect_eq "$(status_of c)" created
	expect_eq "$(oci ps -f json c)" "[$(cat "$T/pid")]"
	expect_fail 1 oci create --bundle "$T/bundle" c
	expect_match "$err" "exists already"
	expect_ok oci start c
	expect_eq "$(status_of c)" running
	wait_for 5 grep -q began "$T/out"
	expect_fail 1 oci start c
	expect_fail 1 oci delete c
	expect_match "$err" "not stopped"
	expect_ok oci kill c KILL
	wait_for 5 has_status c stopped
	expect_fail 1 oci kill c TERM
	expect_match "$err" "container not running"
	expect_ok oci delete c
	expect_fail 1 oci state c
	expect_match "$err" "does not exist"
	expect_ok oci delete --force c
	expect_eq "$(ls -A "$T/state")" ""
}

test_run_and_exec_give_the_programs_code() {
	trap end_all EXIT
	bundle sh -c 'exit 7'
	expect_fail 7 oci run --bundle "$T/bundle" r
	bundle nothing-of-the-kind
	expect_fail 127 oci run --bundle "$T/bundle" r
	expect_match "$err" "executable file not found"
	bundle sleep 1000
	oci run -d --bundle "$T/bundle" r </dev/null >/dev/null 2>&1
	expect_fail 3 oci exec --cwd /tmp -e A=b r sh -c 'echo $A $PWD; exit 3'
	expect_eq "$out" "b /tmp"
	echo '{"args": ["sh", "-c", "echo $X"], "env": ["X=y", "PATH=/bin"], "cwd": "/"}' >"$T/process.json"
	expect_ok oci exec --process "$T/process.json" r
	expect_eq "$out" y
	expect_ok oci exec --preserve-fds 1 r cat /proc/self/fd/3 3<"$T/process.json"
	expect_match "$out" '"args"'
	expect_fail 127 oci exec r nothing-of-the-kind
}

test_pause_and_resume() {
	trap end_all EXIT
	bundle sleep 1000
	oci run -d --bundle "$T/bundle" p </dev/null >/dev/null 2>&1
	expect_ok oci pause p
	expect_eq "$(status_of p)" paused
	expect_fail 1 oci exec p true
	expect_match "$err" paused
	expect_ok oci resume p
	expect_eq "$(status_of p)" running
	expect_ok oci exec p true
	# One that stands still is ended as well.
	expect_ok oci pause p
	expect_ok oci delete --force p
	expect_eq "$(ls -A "$T/state")" ""
}

test_hooks_run_where_they_should() {
	bundle sh -c 'echo program'
	cat >"$T/hook" <<-END
		#!/bin/sh
		echo "\$1 \$(tr -d '\\n' | sed 's/.*"pid":\\([0-9]*\\),"status":"\\([a-z]*\\)".*/\\1 \\2/')" >>"$T/log"
		exit \${2:-0}
	END
	chmod 755 "$T/hook"
	change 'h = lambda *w: [{"path": a[0], "args": ["hook", *w], "env": ["PATH=/bin:/usr/bin"]}]
c["hooks"] = {k: h(k) for k in ("prestart", "createRuntime", "createContainer", "poststart")}
c["hooks"]["poststop"] = h("poststop", "3") + h("again")
c["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat; ls -d /bin"]}]' "$T/hook"
	expect_ok oci run --bundle "$T/bundle" h
	expect_match "$out" '"pid":1,"status":"created".*
/bin
program'
	# That a poststop hook fails is a warning.
	expect_match "$err" "poststop hook 1 .*it ended with 3"
	expect_eq "$(sed 's/ [0-9][0-9]\+ / N /' "$T/log")" "prestart N creating
createRuntime N creating
createContainer 1 creating
poststart N running
poststop 0 stopped
again 0 stopped"
	# One that fails ends the container, and poststop comes all the same.
	rm "$T/log"
	change 'c["hooks"]["createRuntime"][0]["args"].append("9")'
	expect_fail 1 oci create --bundle "$T/bundle" h
	expect_match "$err" "createRuntime hook 1 .*it ended with 9"
	expect_no_match "$(cat "$T/log")" "createContainer"
	expect_match "$(cat "$T/log")" "again 0 stopped"
	expect_eq "$(ls -A "$T/state")" ""
}

test_a_hook_that_takes_too_long() {
	bundle true
	change 'c["hooks"] = {"createContainer": [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]}'
	expect_fail 1 oci run --bundle "$T/bundle" h
	expect_match "$err" "longer than its timeout"
	expect_eq "$(ls -A "$T/state")" ""
}

test_errors_go_to_the_log() {
	expect_fail 1 oci --log "$T/log" --log-format json start nobody
	expect_match "$(cat "$T/log")" '^\{"level":"error","msg":"start: container .nobody. does not exist","time":"2'
	expect_fail 1 oci --log "$T/log2" start nobody
	expect_match "$(cat "$T/log2")" '^level=error msg="start: container'
	expect_fail 1 oci --log-format xml list
	expect_fail 1 oci strat x
	expect_match "$err" "did you mean 'start'"
	expect_fail 1 oci start ../etc
	expect_match "$err" "make a name|begin with a dot"
}

test_features_and_version() {
	expect_ok oci --version
	expect_match "$out" '^cloche-oci version [0-9]'
	expect_ok oci features
	expect_eq "$(python3 -c 'import json,sys; f = json.load(sys.stdin); print(f["ociVersionMax"], len(f["hooks"]))' <<<"$out")" "1.2.0 6"
	expect_eq "$(python3 -c 'import json, sys
f = json.load(sys.stdin); l = f["linux"]
print("rro" in f["mountOptions"], "SCMP_ACT_NOTIFY" in l["seccomp"]["actions"], l["mountExtensions"]["idmap"]["enabled"])' <<<"$out")" \
		"True True True"
}

test_what_is_not_there_says_so() {
	# podman asks by this whether it may checkpoint.
	expect_fail 1 oci checkpoint --help
	expect_match "$err" "checkpoint is not there yet"
	expect_fail 1 oci restore x
	expect_match "$err" "restore is not there yet"
	bundle true
	NOTIFY_SOCKET=/run/x expect_ok oci --log "$T/log" run --bundle "$T/bundle" n
	expect_match "$err" "NOTIFY_SOCKET is not passed on"
	expect_match "$(cat "$T/log")" "^level=warning .*NOTIFY_SOCKET"
	change 'c["process"]["env"].append("NOTIFY_SOCKET=/run/x")'
	NOTIFY_SOCKET=/run/x expect_ok oci run --bundle "$T/bundle" n
	expect_no_match "$err" NOTIFY_SOCKET
}

# docker gives each container a hook; they are no matter of who enters it.
test_exec_beside_hooks() {
	bundle sleep 1000
	trap end_all EXIT
	change 'c["hooks"] = {k: [{"path": "/bin/true"}] for k in ("prestart", "poststop")}'
	expect_ok oci run -d --bundle "$T/bundle" h </dev/null
	expect_ok oci exec h echo in
	expect_eq "$out" in
	expect_ok oci delete --force h
}

# The sockets are for the container's own program.
test_exec_takes_no_listen_fds() {
	bundle sleep 1000
	trap end_all EXIT
	expect_ok oci run -d --bundle "$T/bundle" e </dev/null
	LISTEN_FDS=1 expect_ok oci exec e sh -c 'readlink /proc/$$/fd/3 || echo none' 3</etc/passwd
	expect_eq "$out" none
	expect_ok oci exec --preserve-fds 1 e sh -c 'readlink /proc/$$/fd/3' 3</etc/passwd
	expect_eq "$out" /etc/passwd
	expect_ok oci delete --force e
}

# What a command leaves that was killed, or whose container was, is found and goes.
cleans_up() {
	expect_ok oci delete --force k
	expect_eq "$(ls -A "$T/state")" ""
}

test_killed_anywhere() {
	need_strace
	trap end_all EXIT
	# strace waits for all that it follows, so the program has to end.
	bundle true
	# The container's process may be what is killed: then the command says so.
	cat >"$T/killed" <<-END
		#!/bin/sh
		"${CLOCHE%/*}/cloche-oci" --root "$T/state" run -d --bundle "$T/bundle" k </dev/null >/dev/null 2>&1
		code=\$?
		[ \$code != 1 ] || code=125
		exit \$code
	END
	chmod 755 "$T/killed"
	AFTER_KILL=cleans_up
	kill_at_each mkdirat,mknodat,renameat "$T/killed"
}
