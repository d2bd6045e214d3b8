# The pages of docs/walks do what they say.
# users: root nosubids subids
# fixtures: debian
# timeout: 120

walk() {
	local page
	page=$(echo "$SRC/docs/walks/$1"-*.md)
	[ -e "$page" ] || skip "docs/walks has no page $1 yet"
	if grep -q '^<!-- needs: .*debian' "$page"; then
		use_debian
	fi
	cp "$FIXTURES/busybox.tar" "$T/busybox.tar" 2>/dev/null || skip "busybox is not installed"
	python3 "$SRC/tests/lib/walk.py" "$page"
}

test_walk_01() { walk 01; }
test_walk_02() { walk 02; }
test_walk_03() { walk 03; }
test_walk_04() { walk 04; }
test_walk_05() { walk 05; }
test_walk_06() { walk 06; }
test_walk_08() { walk 08; }
test_walk_09() { walk 09; }
test_walk_10() { walk 10; }
