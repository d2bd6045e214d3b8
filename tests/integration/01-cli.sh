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
	for name in $(cloche help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
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
