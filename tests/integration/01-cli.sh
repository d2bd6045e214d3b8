# The command line itself: help, unknown names, global options.
# users: root nosubids subids
# once: test_every_command_has_help test_dockers_commands

test_help_lists_commands_and_succeeds() {
	expect_ok cloche help
	expect_match "$out" "usage: cloche COMMAND"
	expect_match "$out" "version +show the version"
	expect_eq "$err" ""
	expect_ok "$CLOCHE" --help
	expect_match "$out" "usage: cloche COMMAND"
}

test_every_command_has_help() {
	local name
	for name in $(cloche help | sed -n '/^Topics:/,$d; s/^  \([a-z][a-z-]*\) .*/\1/p' | sort -u); do
		expect_ok cloche "$name" --help
		expect_match "$out" "^usage: cloche $name "
		expect_ok cloche help "$name"
	done
}

test_without_a_command_help_goes_to_stderr() {
	expect_fail 125 "$CLOCHE"
	expect_eq "$out" ""
	expect_match "$err" "usage: cloche COMMAND"
}

test_unknown_names_are_errors_with_a_hint() {
	expect_fail 125 cloche no-such-command
	expect_match "$err" "cloche: there is no command 'no-such-command'"
	expect_match "$err" "hint:"
	expect_fail 125 cloche version --no-such-option
	expect_match "$err" "unknown option '--no-such-option'"
	expect_fail 125 cloche version surplus
}

test_output_that_cannot_be_written_is_an_error() {
	expect_fail 125 bash -c 'cloche help >/dev/full'
	expect_match "$err" "No space left on device"
}

test_pages_that_teach() {
	expect_ok cloche help run
	expect_match "$out" $'^usage: cloche run \\[OPTIONS\\] IMAGE'
	expect_match "$out" "cloche run --rm -it debian bash"
	expect_match "$out" $'\nExit codes:\n'
	expect_match "$out" $'\nSee also: ps, logs, exec'
	[ "$(wc -L <<<"$out")" -le 100 ]
	expect_ok cloche help network
	expect_match "$out" "container:NAME"
	expect_ok cloche help volume
	expect_match "$out" "usage: cloche volume COMMAND"
	expect_match "$out" "files that outlive a container"
	expect_ok cloche network --help
	expect_ok cloche help container
	expect_match "$out" "ls +the same as 'cloche ps'"
	expect_fail 125 cloche help iamges
	expect_match "$err" "did you mean 'images'"
}

test_help_anywhere() {
	expect_ok cloche volume ls --help
	expect_match "$out" "usage: cloche volume ls"
	expect_ok cloche container ls --help
	expect_match "$out" "usage: cloche ps"
	expect_ok cloche rm box --help
	expect_match "$out" "usage: cloche rm"
	expect_ok cloche volume --help
	expect_match "$out" "usage: cloche volume COMMAND"
	expect_ok cloche --help run
	expect_match "$out" "usage: cloche run"
}

# What docker's users type without thinking: it works, or one line says what to type instead.
test_dockers_commands() {
	local words
	use_busybox
	for words in "container ls" "container ls -a --no-trunc" "container list -q" "image ls" "image list -q" "ps -aq" "volume ls" \
		"system df" "version --format {{.Client.Version}}" "image history busybox" "image inspect busybox" \
		"builder prune -af" "buildx prune -f" "image prune -f" "container prune -f" "system prune -f" "volume prune -f"; do
		expect_ok cloche $words
		expect_eq "$err" "" "$words"
	done
	for words in "network ls" "compose up" "buildx ls" "info" "system info" "swarm init" "service ls" "stack ls" \
		"node ls" "secret ls" "plugin ls" "trust inspect" "skopeo copy" "checkpoint ls" "context ls" "scout" \
		"sbom" "init" "pod ls" "kube play x" "machine start" "image exists busybox" "builder du" "system reset"; do
		expect_fail 125 cloche $words
		expect_match "$err" "^cloche: there is no command '.*'"
		expect_match "$err" "hint: "
		expect_no_match "$err" "did you mean|lists the commands"
	done
	expect_ok cloche system df
	expect_match "$out" "TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE"
	expect_match "$out" "Images +1 +0 +[0-9.]+MB +[0-9.]+MB \(100%\)"
	expect_ok cloche version --format json
	expect_match "$out" '"Server":\{"Version":'
	printf 'FROM busybox\n' >Dockerfile
	expect_ok cloche buildx build -q -t one .
	expect_ok cloche builder build -q -t one .
	expect_ok cloche image rm one
}

# mistake STATUS MESSAGE HINT WORD... : what was attempted, on what and why; and what would help.
mistake() {
	local status=$1 message=$2 hint=$3
	shift 3
	expect_fail "$status" cloche "$@"
	expect_match "$err" "$message"
	expect_match "$err" "  hint: .*$hint"
}

test_mistakes_are_told_with_a_remedy() {
	use_busybox
	cloche create --name box busybox true >/dev/null
	local word
	for word in "exec box true" "top box" "enter box true" "debug box true"; do
		mistake 125 "container 'box' is not running" "cloche start box" $word
	done
	mistake 1 "not running" "cloche start box" pause box
	mistake 125 "not running" "cloche start -a box" attach box
	mistake 125 "the name 'box' is taken" "cloche rm box" run --name box busybox true
	mistake 125 "there is no image 'nosuch'" "cloche pull" run --pull never nosuch true
	mistake 125 "there is no capability 'FOO'" "NET_ADMIN" run --cap-add FOO busybox true
	mistake 125 "too many colons" "SOURCE:TARGET:MODES" run -v a:b:c:d busybox true
	mistake 125 "one or more limits" "--memory 512m" update box
	mistake 125 "the archive is empty" "cloche load <FILE" load
	mistake 125 "unknown option '--nmae'" "did you mean --name" run --nmae x busybox
	mistake 125 "look up 'registry.invalid'" "name server" pull registry.invalid/x
	expect_fail 1 cloche run -it busybox sh
	expect_match "$err" "the input device is not a TTY"
	[ "$KIND" = root ] || mistake 125 "show '/root/x' at '/x': Permission denied" "ls -ld" run -v /root/x:/x busybox true
}
