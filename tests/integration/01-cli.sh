# The command line itself: help, unknown names, global options.
# users: root nosubids subids

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
	for words in "network ls" "compose up" "buildx ls" "info" "system info" "search nginx" "swarm init" "service ls" "stack ls" \
		"node ls" "secret ls" "config ls" "plugin ls" "trust inspect" "manifest inspect x" "checkpoint ls" "context ls" "scout" \
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
