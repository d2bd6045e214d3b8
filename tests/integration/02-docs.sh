# Help, manual pages and completion say the same, since they come from one table.
# users: nosubids

docs=${CLOCHE%/*}/docs

commands() {
	cloche help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p'
}

# The long options that `cloche COMMAND --help` shows.
options() {
	cloche $1 --help | sed -n 's/^  \(-[A-Za-z],\|   \) --\([a-z][a-z0-9-]*\).*/\2/p'
}

# expect_no_option_missing COMMAND HAVE WHERE: the lines of the file HAVE are the options that WHERE knows.
expect_no_option_missing() {
	options "$1" | sort -u >"$T/wanted"
	expect_eq "$(comm -23 "$T/wanted" "$2")" "" "options of $1 that are missing in $3"
}

test_each_option_is_in_the_manual_page() {
	local command page
	while read -r command; do
		page=${command// /-}
		expect_match "$(cat "$docs/man1/cloche.1")" "cloche.-${page//-/.-}.fR"
		sed -n 's/^.*\\fB\\-\\-\([a-z0-9\\-]*\)\\fR.*/\1/p' "$docs/man1/cloche-$page.1" | sed 's/\\-/-/g' | sort -u >"$T/have"
		expect_no_option_missing "$command" "$T/have" "cloche-$page(1)"
	done < <(commands)
}

test_each_option_is_in_the_completions() {
	local command
	. "$docs/cloche"
	grep -o -- '--[a-z0-9-]*[=[]' "$docs/_cloche" | tr -d '=[' | sed 's/^--//' | sort -u >"$T/zsh"
	grep -o -- ' -l [a-z0-9-]*' "$docs/cloche.fish" | sed 's/^ -l //' | sort -u >"$T/fish"
	while read -r command; do
		_cloche_options "$command" | tr ' ' '\n' | sed -n 's/^--//p' | sort -u >"$T/bash"
		expect_no_option_missing "$command" "$T/bash" bash
		expect_no_option_missing "$command" "$T/zsh" zsh
		expect_no_option_missing "$command" "$T/fish" fish
	done < <(commands)
}

# What bash would offer for a command line, sorted, in one line.
complete_line() {
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	_cloche
	echo "${COMPREPLY[*]}"
}

test_bash_completes_commands_and_options() {
	. "$docs/cloche"
	expect_match " $(complete_line 'cloche ') " ' help '
	expect_eq "$(complete_line 'cloche versi')" version
	expect_eq "$(complete_line 'cloche --root /tmp versi')" version
	expect_eq "$(complete_line 'cloche version --runr')" --runroot
	expect_eq "$(complete_line 'cloche buil')" "build builder"
	expect_eq "$(complete_line 'cloche builder ')" prune
	expect_eq "$(complete_line 'cloche --root /tmp builder prune --keep')" --keep-days
	expect_eq "$(complete_line 'cloche help versi')" version
	mkdir "$T/some-folder"
	expect_eq "$(complete_line 'cloche version --root some-f')" some-folder
}

test_the_shells_read_their_scripts() {
	bash -n "$docs/cloche"
	need zsh fish
	zsh -n "$docs/_cloche"
	fish -n "$docs/cloche.fish"
}

test_zsh_defines_the_completion() {
	need zsh
	expect_ok zsh -f -c "fpath=($docs \$fpath); autoload -Uz compinit; compinit -D -u; echo \$_comps[cloche]"
	expect_eq "$out" _cloche
}

test_fish_completes_commands() {
	need fish
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche versi'"
	expect_match "$out" '^version'
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche builder '"
	expect_match "$out" '^prune'
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche builder prune --keep'"
	expect_match "$out" '^--keep-days'
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche build --keep'"
	expect_no_match "$out" 'keep-days'
}

test_manual_pages_have_no_warnings() {
	need man
	local page
	for page in "$docs"/man1/*.1; do
		expect_ok env MANWIDTH=100 man --warnings -l "$page"
		expect_eq "$err" ""
	done
}
