# What is done again and what is not, the same bytes for the same content, and builds side by side.
# once: test_copy_is_the_same_both_ways

cached() {
	grep -c CACHED <<<"$err" || :
}

test_everything_is_found_again() {
	use_busybox
	mkdir ctx && echo 1 >ctx/a && touch -d '1 hour ago' ctx/a
	printf 'FROM busybox\nENV X=1\nWORKDIR /w\nCOPY a .\nRUN cat a > b\n' >ctx/Dockerfile
	expect_ok cloche build --iidfile one ctx
	expect_eq "$(cached)" 0
	expect_ok cloche build --iidfile two ctx
	expect_eq "$(cached)" 3
	cmp one two
	# Times don't count, contents and modes do.
	touch ctx/a
	expect_ok cloche build ctx
	expect_eq "$(cached)" 3
	chmod 755 ctx/a
	expect_ok cloche build ctx
	expect_eq "$(cached)" 1
	echo 2 >ctx/a
	expect_ok cloche build ctx
	expect_eq "$(cached)" 1
	chmod 644 ctx/a && echo 1 >ctx/a
	expect_ok cloche build ctx
	expect_eq "$(cached)" 3
	expect_ok cloche build --no-cache ctx
	expect_eq "$(cached)" 0
}

test_what_a_step_sees_is_its_key() {
	use_busybox
	mkdir ctx
	one() {
		printf 'FROM busybox\nARG A\nARG B=b\n%s\nRUN echo "$A"\n' "$1" >Dockerfile
		expect_ok cloche build -f Dockerfile "${@:2}" ctx
	}
	one 'LABEL x=1' --build-arg A=1
	one 'LABEL x=2' --build-arg A=1
	expect_eq "$(cached)" 1 "a label changes no RUN"
	one 'LABEL x=2' --build-arg A=2
	expect_eq "$(cached)" 0 "an argument does"
	one 'ENV x=2' --build-arg A=2
	expect_eq "$(cached)" 0 "so does the environment"
	one 'ENV x=2' --build-arg A=2 --build-arg HTTPS_PROXY=x
	expect_eq "$(cached)" 1 "a proxy does not"
	one 'USER app' --build-arg A=2
	expect_eq "$(cached)" 0 "the user does"
}

test_a_copy_from_a_stage_goes_by_content() {
	use_busybox
	mkdir ctx && echo 1 >ctx/src && echo 1 >ctx/other
	printf 'FROM busybox AS b\nCOPY other /\nCOPY src /\nRUN cat /src > /out\nFROM busybox\nCOPY --from=b /out /\n' >ctx/Dockerfile
	expect_ok cloche build ctx
	echo 2 >ctx/other
	expect_ok cloche build ctx
	expect_eq "$(cached)" 1
	expect_match "$err" 'COPY --from=b /out /  CACHED'
}

test_a_failing_step_keeps_those_before() {
	use_busybox
	mkdir ctx
	printf 'FROM busybox\nRUN echo a > /a\nRUN exit 1\n' >ctx/Dockerfile
	expect_fail 1 cloche build ctx
	printf 'FROM busybox\nRUN echo a > /a\nRUN exit 0\n' >ctx/Dockerfile
	expect_ok cloche build ctx
	expect_eq "$(cached)" 1
}

test_an_entry_whose_blob_is_gone_is_none() {
	use_busybox
	mkdir ctx
	printf 'FROM busybox\nRUN echo a > /a\n' >ctx/Dockerfile
	expect_ok cloche build -t x ctx
	for f in "$T"/root/cache/steps/*; do
		blob=$(sed -n 's/.*sha256:\([0-9a-f]*\) .*/\1/p' "$f")
		rm "$T/root/blobs/sha256/$blob"
	done
	expect_ok cloche build -t x ctx
	expect_eq "$(cached)" 0
	for f in "$T"/root/cache/steps/*; do
		echo garbage >"$f"
	done
	expect_ok cloche build -t x ctx
	expect_eq "$(cached)" 0
}

test_prune() {
	use_busybox
	mkdir ctx
	printf 'FROM busybox\nRUN echo a > /a\nRUN --mount=type=cache,target=/c echo x > /c/x\n' >ctx/Dockerfile
	expect_ok cloche build -t kept ctx
	printf 'FROM busybox\nRUN head -c 1000000 /dev/urandom > /b\n' >ctx/Dockerfile
	expect_ok cloche build -t gone ctx
	expect_ok cloche rmi gone
	expect_ok cloche builder prune --keep-days 1
	expect_match "$out" 'removed 0 entries'
	expect_ok cloche builder prune
	expect_match "$out" 'removed 4 entries, freed 2MB'
	expect_eq "$(ls -A "$T/root/cache/steps" "$T/root/cache/roots" "$T/root/cache/mounts" | grep -v :)" ""
	expect_ok cloche run --rm --network none kept cat /a
	expect_eq "$out" a
	expect_ok cloche build ctx
	expect_eq "$(cached)" 0
}

test_the_same_bytes() {
	use_busybox
	mkdir ctx && echo 1 >ctx/a
	printf 'FROM busybox\nCOPY a /b/\nRUN mkdir /c && echo x > /c/d\nWORKDIR /e\n' >ctx/Dockerfile
	SOURCE_DATE_EPOCH=1600000000 expect_ok cloche build -q ctx
	first=$out
	touch ctx/a
	SOURCE_DATE_EPOCH=1600000000 expect_ok cloche build -q --no-cache ctx
	expect_eq "$out" "$first"
	expect_ok cloche inspect "$first"
	expect_match "$out" '2020-09-13T12:26:40Z'
}

test_builds_side_by_side() {
	use_busybox
	mkdir ctx && echo 1 >ctx/a
	printf 'FROM busybox\nCOPY a /a\nRUN cat /a > /b\nCMD cat /b\n' >ctx/Dockerfile
	pids=()
	for i in $(seq 12); do
		start cloche build -q -t "n$((i % 3))" --build-arg I=$i ctx
		pids+=("$pid")
	done
	for p in "${pids[@]}"; do
		finish "$p"
		expect_eq "$status" 0
	done
	for i in 0 1 2; do
		expect_ok cloche run --rm --network none n$i
		expect_eq "$out" 1
	done
	expect_eq "$(ls -A "$T/root/tmp")" ""
}

test_killed_at_any_moment() {
	use_busybox
	mkdir ctx && for i in $(seq 50); do echo $i >ctx/$i; done
	printf 'FROM busybox\nARG N\nCOPY . /a/\nRUN for i in $(seq 200); do echo $N > /a/x$i; done\nCMD cat /a/x7\n' >ctx/Dockerfile
	expect_ok cloche build -q -t name --build-arg N=0 ctx
	for ms in 1 3 6 10 15 20 30 45 60 90; do
		capture timeout -s KILL "0.$(printf %03d $ms)" cloche build -q -t name --no-cache --build-arg N=$ms ctx
		expect_ok cloche run --rm --network none name
		expect_match "$out" '^[0-9]+$'
	done
	expect_ok cloche build -q -t name --build-arg N=end ctx
	expect_ok cloche run --rm --network none name
	expect_eq "$out" end
	# A helper may outlive its killed command by some milliseconds, and holds its folder as long.
	wait_for 10 swept
}

swept() {
	cloche build -q -t name --build-arg N=end ctx && [ -z "$(ls -A "$T/root/tmp" "$T/root/trash" | grep -v :)" ]
}

test_the_supervisor_takes_the_step_along() {
	[ "$KIND" = nosubids ] || skip "ids are emulated only where one is mapped"
	use_busybox
	mkdir ctx
	printf 'FROM busybox\nRUN echo begun; sleep 100\n' >ctx/Dockerfile
	start cloche build --progress plain ctx
	build=$pid
	wait_for 10 grep -q begun "$T/start.err"
	# The command is a child of a wrapper or the process itself.
	for p in $(pgrep -u "$(id -u)" -f 'cloche-intercept|libexec/cloche/intercept'); do
		grep -qs "^PPid:[[:space:]]*$build\$" "/proc/$p/status" && kill -KILL "$p"
	done
	finish "$build"
	expect_eq "$status" 1
	expect_match "$(cat "$T/start.err")" 'the supervisor of emulated ids has ended'
}

test_a_full_disk() {
	mkdir ctx
	printf 'FROM busybox\nRUN echo small > /small\nRUN dd if=/dev/urandom of=/big bs=1M count=40\n' >ctx/Dockerfile
	cat >fill.sh <<-'END'
		set -e
		c() { "$CLOCHE" --root "$T/small/root" --runroot "$T/small/run" "$@"; }
		c import "$FIXTURES/busybox.tar" busybox >/dev/null
		c build -t name "$T/ctx" && exit 9
		c build -t name - <<<'FROM busybox' || exit 8
		c images
		rm -rf "$T/small/root"
	END
	export CLOCHE T FIXTURES
	on_small_fs 24m 0 bash fill.sh >out 2>err || { cat out err; fail "exit $?"; }
	expect_match "$(cat err)" 'No space left|exit code 1'
	expect_match "$(cat out)" 'name +latest'
}

# A COPY that goes straight into its layer makes the bytes that the way through the overlay makes: here with --chown by a name,
# which only that way can look up.
test_copy_is_the_same_both_ways() {
	local i
	use_busybox
	mkdir -p ctx/tree/deep/er ctx/more
	for i in 1 2 3; do echo "$i" >"ctx/tree/deep/f$i"; done
	head -c 200000 /dev/urandom >ctx/tree/deep/er/large
	: >ctx/tree/empty
	ln -s deep/f1 ctx/tree/link
	mkfifo ctx/tree/fifo
	chmod 4711 ctx/tree/deep/f2
	chmod 1700 ctx/tree/deep/er
	setfattr -n user.test -v value ctx/tree/deep/f3 2>/dev/null || :
	touch -d '2001-02-03 04:05:06.789' ctx/tree/deep/f1
	cp -a ctx/tree/deep ctx/more/b.d
	echo x >ctx/more/b
	write_dockerfile() {
		local chown=$1 zero=$2 app=$3 i
		printf 'FROM busybox\nRUN mkdir -p /app/tree && chmod 2750 /app && chown 1:2 /app\n'
		for i in 'tree /new/place' 'tree /app/tree' 'more tree /app/' 'more/b more/b.d /x/y/' 'tree/link /link' 'tree /' '. /'; do
			echo "COPY $chown $i"
			echo "COPY --link $zero $i"
		done
		echo "COPY --chown=$app --chmod=640 tree /app/"
	}
	export SOURCE_DATE_EPOCH=1500000000
	write_dockerfile '' '' 1000:1000 >D
	expect_ok cloche build --no-cache -q -t direct -f D ctx
	write_dockerfile --chown=root:root --chown=root:root app:app >D
	# Nothing shows through with --link, so there no name can be looked up.
	sed -i 's/--link --chown=root:root/--link --chown=0:0/' D
	expect_ok cloche build --no-cache -q -t overlay -f D ctx
	expect_eq "$(cloche inspect -f '{{json .RootFS.Layers}}' direct | tr , '\n')" \
		"$(cloche inspect -f '{{json .RootFS.Layers}}' overlay | tr , '\n')"
}

# Files that have changed and changed back are read while they are copied; the step is then found all the same.
test_copy_finds_its_step_while_copying() {
	use_busybox
	mkdir ctx
	seq 100 >ctx/f
	printf 'FROM busybox\nCOPY . /ctx\n' >ctx/Dockerfile
	expect_ok cloche build -q -t one ctx
	local first=$out
	rm ctx/f
	seq 100 >ctx/f
	expect_ok cloche build -t two ctx
	expect_match "$err" 'CACHED'
	expect_eq "$(cloche inspect -f '{{.Id}}' two)" "$first"
	expect_eq "$(find "$T/root/tmp" -mindepth 1)" ""
}
