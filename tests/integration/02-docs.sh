# Help, manual pages and completion say the same, since they come from one table.
# users: nosubids
# timeout: 120

docs=${CLOCHE%/*}/docs

commands() {
	cloche help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p'
}

# Lines "COMMAND --OPTION": the long options that `cloche COMMAND --help` shows, for all commands and topics. One process each.
wanted() {
	local command line pattern='^  (-[A-Za-z],|   ) --([a-z][a-z0-9-]*)'
	while read -r command; do
		while IFS= read -r line; do
			if [[ $line =~ $pattern ]]; then
				echo "$command --${BASH_REMATCH[2]}"
			fi
		done < <(cloche $command --help </dev/null)
	done < <(commands) | sort -u
}

# expect_none_missing WHERE: the file "have" has all lines that "wanted" has.
expect_none_missing() {
	expect_eq "$(comm -23 "$T/wanted" "$T/have")" "" "options that are missing in $1"
}

test_each_option_is_in_the_manual_page() {
	local command overview
	wanted >"$T/wanted"
	overview=$(<"$docs/man1/cloche.1")
	while read -r command; do
		command=${command// /-}
		[[ $overview == *"\\fBcloche\\-${command//-/\\-}\\fR"* ]]
	done < <(commands)
	for command in "$docs"/man1/cloche-*.1; do
		[ "$command" != "$docs/man1/cloche-oci.1" ] || continue
		echo "page ${command##*/cloche-}"
		cat "$command"
	done | awk '
		/^page / { sub(/\.1$/, ""); page = $2 }
		match($0, /\\fB\\-\\-[a-z0-9\\-]*\\fR/) { option = substr($0, RSTART + 3, RLENGTH - 6); gsub(/\\/, "", option); print page " " option }
	' | sort -u >"$T/have"
	sed -i 's/^\([^ ]*\) \([a-z]*\) --/\1-\2 --/' "$T/wanted"
	sort -o "$T/wanted" "$T/wanted"
	expect_none_missing "the manual"
	# The other way round: nothing is in a page that the help lacks.
	expect_eq "$(comm -13 "$T/wanted" "$T/have")" ""
}

test_each_option_is_in_the_completions() {
	local command option
	. "$docs/cloche"
	wanted >"$T/wanted"
	while read -r command; do
		for option in $(_cloche_options "$command"); do
			echo "$command $option"
		done
	done < <(commands) | sort -u >"$T/have"
	expect_none_missing bash
	sed -i 's/.* //' "$T/wanted"
	sort -u -o "$T/wanted" "$T/wanted"
	grep -o -- '--[a-z0-9-]*[=[]' "$docs/_cloche" | tr -d '=[' | sort -u >"$T/have"
	expect_none_missing zsh
	grep -o -- ' -l [a-z0-9-]*' "$docs/cloche.fish" | sed 's/^ -l /--/' | sort -u >"$T/have"
	expect_none_missing fish
}

test_cloche_oci_is_in_its_page_and_completion() {
	local command option page options oci=${CLOCHE%/*}/cloche-oci
	. "$docs/cloche-oci"
	page=$(tr -d '\\' <"$docs/man1/cloche-oci.1")
	"$oci" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\)  .*/\1/p' >"$T/commands"
	expect_match "$(xargs <"$T/commands")" '^create start .* features$'
	while read -r command; do
		expect_match "$page" "SS \"cloche-oci $command "
		options=" $(_cloche_oci_options "$command" | xargs) "
		for option in $("$oci" "$command" --help </dev/null | sed -n 's/^  \(-[A-Za-z],\|   \) \(--[a-z0-9-]*\).*/\2/p'); do
			expect_match "$page" "fB$option""fR"
			expect_match "$options" " $option "
		done
	done <"$T/commands"
}

# oci_words WORD...: what bash would offer for the last word.
oci_words() {
	COMP_WORDS=(cloche-oci "$@") COMP_CWORD=$#
	_cloche_oci
	echo "${COMPREPLY[*]}"
}

test_bash_completes_cloche_oci() {
	. "$docs/cloche-oci"
	expect_eq "$(oci_words cr)" create
	expect_eq "$(oci_words --root /tmp sta)" "start state"
	expect_eq "$(oci_words create --bu)" --bundle
	expect_eq "$(oci_words --log-format "")" "text json"
	expect_eq "$(oci_words list --format j)" json
	mkdir "$T/some-folder"
	expect_eq "$(oci_words create --bundle some-f)" some-folder
	# A name to be made is not completed, one of those that are there is.
	cloche-oci() {
		[ "$*" != "--root state list -q" ] || echo alpha beta
	}
	expect_eq "$(oci_words --root state create "")" ""
	expect_eq "$(oci_words --root state delete --force al)" alpha
	expect_eq "$(oci_words --root state exec beta "")" ""
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
	expect_eq "$(complete_line 'cloche builder ')" "prune build"
	expect_eq "$(complete_line 'cloche --root /tmp builder prune --keep')" --keep-days
	expect_eq "$(complete_line 'cloche help versi')" version
	mkdir "$T/some-folder"
	expect_eq "$(complete_line 'cloche version --root some-f')" some-folder
}

test_the_shells_read_their_scripts() {
	bash -n "$docs/cloche"
	bash -n "$docs/cloche-oci"
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
	expect_match "$out" $'(^|\n)prune\t'
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche builder prune --keep'"
	expect_match "$out" '^--keep-days'
	expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche build --keep'"
	expect_no_match "$out" 'keep-days'
}

# names: an image with two tags, two containers, a volume, to be completed.
names() {
	use_busybox
	cloche tag busybox busybox:other
	cloche create --name alpha busybox true >/dev/null
	cloche create --name beta busybox true >/dev/null
	cloche volume create vol-one >/dev/null
}

test_bash_completes_names() {
	names
	. "$docs/cloche"
	expect_eq "$(complete_line 'cloche start al')" alpha
	expect_eq "$(complete_line 'cloche rm -f alpha be')" beta
	expect_eq "$(complete_line 'cloche run --rm busyb')" "busybox:latest busybox:other"
	# As readline replaces it: what stands behind the colon.
	expect_eq "$(complete_line 'cloche run --rm busybox:o')" other
	expect_eq "$(complete_line 'cloche volume rm vo')" vol-one
	expect_eq "$(complete_line 'cloche run --network container:al')" ""
	expect_eq "$(complete_line 'cloche run --volumes-from be')" beta
	expect_eq "$(complete_line 'cloche container st' | tr ' ' '\n' | sort | xargs)" "start stats stop"
	expect_eq "$(complete_line 'cloche image rm busybox:o')" other
}

test_fish_completes_names() {
	need fish
	names
	local line
	for line in 'start al|alpha' 'run --rm busybox:o|busybox:other' 'volume rm vo|vol-one' 'exec -it be|beta' 'rmi busybox:o|busybox:other' \
		'container start al|alpha' 'image rm busybox:o|busybox:other'; do
		expect_ok fish --no-config -c "source $docs/cloche.fish; complete -C 'cloche ${line%|*}'"
		expect_match "$out" "^${line#*|}" "$line"
	done
}

# zsh gives candidates to a terminal only: it is given one.
test_zsh_completes_names() {
	need zsh
	names
	local line steps=()
	mkdir z
	printf '%s\n' "fpath=($docs \$fpath)" 'autoload -Uz compinit; compinit -D -u' "PS1='ready> '" >z/.zshrc
	for line in 'start al|alpha' 'run --rm busybox:o|busybox.?:other' 'volume rm vo|vol-one' 'exec -it be|beta' \
		'container start al|alpha'; do
		steps+=('expect:ready> ' "type:cloche ${line%|*}\\t" "expect:cloche ${line%% *}.*${line#*|}" 'type:\x15\n')
	done
	expect_ok env ZDOTDIR="$T/z" ON_TERMINAL_SECONDS=100 python3 "$SRC/tests/lib/on_terminal.py" 24 120 "${steps[@]}" \
		'expect:ready> ' 'type:exit\n' -- zsh -d -i
}

test_manual_pages_have_no_warnings() {
	need groff
	expect_ok groff -Kutf8 -man -Tutf8 -rLL=100n -ww -z "$docs"/man1/*.1
	expect_eq "$err" ""
}
