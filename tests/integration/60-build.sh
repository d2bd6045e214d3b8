# What a Dockerfile's instructions make: configuration, files, owners, errors with their place.

# build OPTIONS... : the Dockerfile on stdin, the context is $T/ctx
build() {
	mkdir -p "$T/ctx"
	expect_ok cloche build -f - "$@" "$T/ctx"
}

# in_image IMAGE COMMAND...: its output in $out
in_image() {
	expect_ok cloche run --rm --network none "$@"
}

test_a_first_build() {
	use_busybox
	mkdir ctx && echo hello >ctx/file
	cat >ctx/Dockerfile <<-'END'
		# a comment
		FROM busybox
		COPY file /greeting
		RUN echo "$(cat /greeting) world" > /out
		CMD ["cat", "/out"]
	END
	expect_ok cloche build -t first ctx
	expect_match "$err" '\[1/3\] FROM busybox'
	expect_match "$err" '\[2/3\] COPY file /greeting'
	expect_match "$err" 'named first:latest'
	in_image first
	expect_eq "$out" "hello world"
}

test_quiet_prints_the_id_only() {
	use_busybox
	build -q <<<'FROM busybox'
	expect_match "$out" '^sha256:[0-9a-f]{64}$'
	expect_eq "$err" ""
	build --iidfile id <<<'FROM busybox'
	expect_eq "$out" ""
	expect_match "$(cat id)" '^sha256:[0-9a-f]{64}$'
}

test_configuration() {
	use_busybox
	build -t conf --label from=outside <<-'END'
		FROM busybox
		ENV A=1 B="two words"
		ENV PATH=/srv/bin:$PATH
		LABEL a.b="c d" e=$A
		EXPOSE 80 53/udp
		VOLUME /data
		USER app
		WORKDIR /srv
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=5s CMD true
		ENTRYPOINT ["echo"]
		CMD ["x", "y"]
	END
	expect_ok cloche inspect conf
	expect_match "$out" '"A=1"'
	expect_match "$out" '"B=two words"'
	expect_match "$out" '"PATH=/srv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
	expect_match "$out" '"a.b": "c d"'
	expect_match "$out" '"e": "1"'
	expect_match "$out" '"from": "outside"'
	expect_match "$out" '"80/tcp": \{\}'
	expect_match "$out" '"53/udp": \{\}'
	expect_match "$out" '"/data": \{\}'
	expect_match "$out" '"StopSignal": "SIGINT"'
	expect_match "$out" '"Interval": 5000000000'
	in_image conf
	expect_eq "$out" "x y"
	in_image --entrypoint sh conf -c 'id -un; pwd; echo $A-$B'
	expect_eq "$out" "app
/srv
1-two words"
}

test_shell_and_exec_form() {
	use_busybox
	build -t forms <<-'END'
		FROM busybox
		RUN ["/bin/sh", "-c", "echo $0 exec > /a"]
		SHELL ["/bin/sh", "-ec"]
		RUN false || true; \
		    # a comment inside
		    echo shell > /b
		CMD cat /a /b
	END
	in_image forms
	expect_eq "$out" "/bin/sh exec
shell"
}

test_arguments() {
	use_busybox
	build -t args --build-arg V=given --build-arg UNUSED=1 --build-arg http_proxy=http://p <<-'END'
		ARG BASE=busybox
		ARG G=global
		FROM ${BASE}
		ARG V=default
		ARG W=${V}-w
		ARG G
		ENV W=env
		RUN echo "$V $W $G $http_proxy" > /out
		RUN echo "${V:+set} ${NONE:-unset}" >> /out
		CMD cat /out
	END
	expect_match "$err" 'build-arg UNUSED: no ARG asks for it'
	in_image args
	expect_eq "$out" "given env global http://p
set unset"
	expect_ok cloche history --no-trunc args
	expect_match "$out" 'RUN \|[0-9] V=given'
	expect_no_match "$out" 'http://p'
}

test_copy_destinations() {
	use_busybox
	mkdir -p ctx/d/e ctx/empty && echo 1 >ctx/a.txt && echo 2 >ctx/b.txt && echo 3 >ctx/d/c.txt && echo 4 >ctx/d/e/f
	ln -s a.txt ctx/link && ln -s ../a.txt ctx/d/inner
	build -t copy <<-'END'
		FROM busybox
		RUN ln -s /real /link && mkdir /real /exists
		COPY a.txt /one
		COPY a.txt /dir/
		COPY a.txt /exists
		COPY *.txt /many/
		COPY d /tree
		COPY d /exists
		COPY link /followed
		COPY a.txt /link/through
		WORKDIR /work
		COPY a.txt b.txt ./
		COPY ["a.txt", "/with space"]
		COPY empty /empty
	END
	in_image copy sh -c 'find /one /dir /exists /many /tree /followed /real /work /with* /empty | sort; cat /followed; readlink /tree/inner'
	expect_eq "$out" "/dir
/dir/a.txt
/empty
/exists
/exists/a.txt
/exists/c.txt
/exists/e
/exists/e/f
/exists/inner
/followed
/many
/many/a.txt
/many/b.txt
/one
/real
/real/through
/tree
/tree/c.txt
/tree/e
/tree/e/f
/tree/inner
/with space
/work
/work/a.txt
/work/b.txt
1
../a.txt"
}

test_owners_and_modes() {
	use_busybox
	mkdir ctx && echo x >ctx/a && chmod 640 ctx/a
	build -t owners <<-'END'
		FROM busybox
		COPY a /plain
		COPY --chown=app:staff a /named
		COPY --chown=7 a /numbered
		COPY --chown=app --chmod=4755 a /moded
		RUN touch /run && chown 12:34 /run && mkdir /dir && chown app:app /dir
		USER app
		WORKDIR /home/app/new
		RUN touch mine
	END
	in_image --user 0 owners stat -c '%u:%g %a %n' /plain /named /numbered /moded /run /dir /home/app/new /home/app/new/mine
	expect_eq "$out" "0:0 640 /plain
1000:50 640 /named
7:7 640 /numbered
1000:1000 4755 /moded
12:34 644 /run
1000:1000 755 /dir
1000:1000 755 /home/app/new
1000:1000 644 /home/app/new/mine"
	# They are in the layers, whoever reads them.
	expect_ok cloche export owners -o out.tar
	expect_match "$(tar --numeric-owner -tvf out.tar)" '-rwsr-xr-x 1000/1000 .* moded'
	expect_match "$(tar --numeric-owner -tvf out.tar)" '12/34 .* run'
}

test_dockerignore() {
	use_busybox
	mkdir -p ctx/keep ctx/drop && touch ctx/a.o ctx/b.c ctx/keep/x.o ctx/drop/y ctx/drop/z
	printf '# comment\n*.o\n**/*.o\ndrop\n!drop/z\n.dockerignore\n' >ctx/.dockerignore
	build -t ignore <<-'END'
		FROM busybox
		COPY . /ctx
	END
	in_image ignore sh -c 'cd /ctx; find . | sort'
	expect_eq "$out" ".
./b.c
./drop
./drop/z
./keep"
	# A file beside the Dockerfile goes before it.
	printf 'FROM busybox\nCOPY . /ctx\n' >other
	printf '*\n!b.c\n' >other.dockerignore
	expect_ok cloche build -t ignore2 -f other ctx
	in_image ignore2 sh -c 'cd /ctx; find . | sort'
	expect_eq "$out" ".
./b.c"
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY a.o /'
	expect_match "$err" "Dockerfile:2:6: COPY: 'a.o' is left out by .dockerignore"
}

test_stages() {
	use_busybox
	build -t stages <<-'END'
		FROM busybox AS one
		RUN echo from-one > /one && mkdir /d && echo kept > /d/f && chown 5:6 /d/f
		FROM busybox AS unneeded
		RUN exit 3
		FROM one AS two
		RUN cat /one > /two
		FROM scratch
		COPY --from=busybox / /
		COPY --from=two /two /one /
		COPY --from=0 /d /d
		CMD ["cat", "/one", "/two"]
	END
	expect_no_match "$err" unneeded
	expect_match "$err" '\[one 2/2\] RUN'
	expect_match "$err" '\[stage-3 2/4\] COPY'
	in_image stages
	expect_eq "$out" "from-one
from-one"
	in_image stages stat -c '%u:%g' /d/f
	expect_eq "$out" 5:6
	build -t target --target one <<-'END'
		FROM busybox AS one
		CMD ["echo", "target"]
		FROM busybox
	END
	in_image target
	expect_eq "$out" target
}

test_folders_of_other_users() {
	use_busybox
	build -t private <<-'END'
		FROM busybox AS one
		RUN mkdir -p /home/app/.local/bin && echo x > /home/app/.local/bin/tool && chown -R app:app /home/app && chmod -R go= /home/app
		RUN touch /unrelated
		FROM busybox
		COPY --from=one /home/app /a
		COPY --from=one /home/app/.local/bin/t* /b/
		COPY --from=one --chown=bin /home/app/.local/bin/tool /c
	END
	in_image private stat -c '%U %a %n' /a/.local/bin /a/.local/bin/tool /b/tool /c
	expect_eq "$out" "app 700 /a/.local/bin
app 600 /a/.local/bin/tool
app 600 /b/tool
bin 600 /c"
}

test_add() {
	use_busybox
	mkdir -p ctx/in && echo inside >ctx/in/f && ln -s f ctx/in/l
	tar -C ctx -czf ctx/a.tar.gz in && tar -C ctx -cf ctx/b.tar in && tar -C ctx -cJf ctx/c.txz in && tar -C ctx -cjf ctx/d.tbz in
	gzip -c <ctx/in/f >ctx/plain.gz
	build -t add <<-'END'
		FROM busybox
		ADD a.tar.gz /a
		ADD b.tar /b/
		ADD c.txz d.tbz /cd/
		ADD plain.gz in/f /files/
		COPY a.tar.gz /copied/
		ADD --chown=app in/f /owned
	END
	in_image add sh -c 'cat /a/in/f /b/in/l /cd/in/f /owned; ls /files /copied; stat -c %U /owned'
	expect_eq "$out" "inside
inside
inside
inside
/copied:
a.tar.gz

/files:
f
plain.gz
app"
}

test_flags_that_an_archive_does_not_take() {
	use_busybox
	mkdir ctx && touch ctx/f && tar -C ctx -cf ctx/a.tar f
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
ADD --chown=app a.tar /a/'
	expect_match "$err" 'comes? with a later version'
	build -t plain <<<'FROM busybox
ADD --chown=app --unpack=false a.tar /a/'
	in_image plain stat -c '%U %n' /a/a.tar
	expect_eq "$out" "app /a/a.tar"
}

test_link() {
	use_busybox
	mkdir ctx && echo x >ctx/f
	build -t link <<-'END'
		FROM busybox
		RUN mkdir /d && echo old > /d/f && echo kept > /d/g
		COPY --link --chown=5:6 f /d/
	END
	in_image link sh -c 'cat /d/f /d/g; stat -c %u:%g /d/f'
	expect_eq "$out" "x
kept
5:6"
	# It leans on no layer below, so that another base needs no other copy.
	build -t link2 <<-'END'
		FROM busybox
		RUN mkdir /other
		COPY --link --chown=5:6 f /d/
	END
	expect_match "$err" 'COPY --link --chown=5:6 f /d/  CACHED'
}

test_onbuild() {
	use_busybox
	mkdir ctx && echo x >ctx/src
	build -t base <<-'END'
		FROM busybox
		ONBUILD COPY src /from-onbuild
		ONBUILD RUN echo ran > /ran
	END
	build -t child <<-'END'
		FROM base
		RUN cat /from-onbuild /ran > /both
		CMD cat /both
	END
	expect_match "$err" '\[2/4\] COPY src'
	in_image child
	expect_eq "$out" "x
ran"
	expect_ok cloche inspect child
	expect_no_match "$out" 'from-onbuild"'
}

test_heredocs() {
	use_busybox
	build -t here --build-arg V=v <<-'END'
		FROM busybox
		ARG V
		RUN <<EOF
		echo first > /a
		echo "$V" >> /a
		EOF
		RUN cat <<X >/b
		line $V
		X
		COPY <<one <<"two" /h/
		value: ${V} "quoted" \$x
		one
		value: ${V}
		two
		CMD cat /a /b /h/one /h/two
	END
	in_image here
	expect_eq "$out" 'first
v
line v
value: v "quoted" $x
value: ${V}'
}

test_mounts_of_run() {
	use_busybox
	build -t mounts <<-'END'
		FROM busybox
		RUN --mount=type=cache,target=/cache/deep,id=c echo one >> /cache/deep/f
		RUN --mount=type=cache,target=/other,id=c,sharing=locked --mount=type=tmpfs,target=/t cat /other/f > /seen && touch /t/x
		CMD cat /seen; ls -d /cache /other /t
	END
	capture cloche run --rm --network none mounts
	expect_eq "$out" one
}

test_a_step_that_changes_nothing_makes_no_layer() {
	use_busybox
	mkdir -p ctx/d && touch ctx/d/f
	build -t nothing <<-'END'
		FROM busybox
		RUN true
		COPY d /d
		RUN mkdir /a && rmdir /a
		RUN touch -d @1700000000 /x
		RUN rm /x
		RUN touch -d @1700000000 /x
		CMD ls /x
	END
	expect_ok cloche inspect --format '{{json .RootFS.Layers}}' nothing
	expect_eq "$(grep -o sha256 <<<"$out" | wc -l)" 5
	in_image nothing
	expect_eq "$out" /x
	expect_ok cloche export -o out.tar nothing
	expect_match "$(tar -tf out.tar)" x
}

test_bind_mounts_of_run() {
	use_busybox
	mkdir -p ctx/src && echo 1 >ctx/src/a && echo secret >ctx/ignored && echo one >ctx/one && echo ignored >ctx/.dockerignore
	cat >ctx/Dockerfile <<-'END'
		FROM busybox AS tools
		RUN echo tool > /tool && chown app /tool
		FROM busybox
		WORKDIR /w
		RUN --mount=type=bind,target=. ls > /list
		RUN --mount=target=/etc/conf,source=one cat /etc/conf > /conf && ! echo x > /etc/conf
		RUN --mount=type=bind,target=/src,source=src,rw echo 2 >> /src/a && cat /src/a > /a
		RUN --mount=type=bind,from=tools,source=/tool,target=/t stat -c %U /t > /owner
		CMD cat /list /conf /a /owner; ls /src /t /etc/conf
	END
	expect_ok cloche build -t binds ctx
	capture cloche run --rm --network none binds
	expect_eq "$out" "Dockerfile
one
src
one
1
2
app"
	expect_eq "$(cat ctx/src/a)" 1
	expect_ok cloche build -t binds ctx
	expect_eq "$(grep -c CACHED <<<"$err")" 6
	echo 3 >ctx/src/a
	expect_ok cloche build -t binds ctx
	expect_eq "$(grep -c CACHED <<<"$err")" 2
}

# Runs a script with a store on an overlay, where neither an overlay nor its whiteouts can be made: a container's own root.
on_overlay() {
	local map=()
	[ "$KIND" = root ] || map=(--map-root-user)
	mkdir -p l u w m
	cat >inside.sh <<-'END'
		set -Eeuo pipefail
		c() { "$CLOCHE" --root "$T/m/s" --runroot "$T/m/r" "$@"; }
		mount -t overlay overlay -o "lowerdir=$T/l,upperdir=$T/u,workdir=$T/w,userxattr" "$T/m"
	END
	cat >>inside.sh
	expect_ok env CLOCHE="$CLOCHE" T="$T" FIXTURES="$FIXTURES" unshare -m --propagation private "${map[@]}" bash inside.sh
}

test_without_an_overlay() {
	cat >D <<-'END'
		FROM bb
		RUN mkdir -p /d/e && echo 1 > /d/f && ln /d/f /d/h && echo 2 > /d/e/g && chown 12:34 /d/e && chmod 700 /d/e
		RUN echo more >> /d/e/g && touch /d/new
		WORKDIR /w/x
		COPY D /d/
		RUN true
		CMD stat -c '%n %a %u:%g %h' /d /d/e /d/e/g /d/f /d/new /d/D /w/x && cat /d/e/g
	END
	on_overlay <<-'END'
		c import "$FIXTURES/busybox.tar" bb >/dev/null
		c build -t t -f D . 2>&1
		c diff t | grep -v 'A /bin'
		c run --rm --network none t 2>/dev/null
	END
	expect_match "$out" 'the kernel refuses an overlay'
	expect_eq "$(tail -9 <<<"$out")" "/d 755 0:0 3
/d/e 700 12:34 2
/d/e/g 644 0:0 1
/d/f 644 0:0 2
/d/new 644 0:0 1
/d/D 644 0:0 1
/w/x 755 0:0 2
2
more"
}

# What a layer deletes of those below, in a RUN, in an image that is loaded, and copied from such a stage.
test_deletions_without_an_overlay() {
	cat >D <<-'END'
		FROM bb AS one
		RUN mkdir -p /d/e /f && touch /d/a /d/b /d/e/x /f/y && ln -s a /d/l
		RUN rm /d/a && rm -r /f && rm -r /d/e && mkdir /d/e && touch /d/e/new
		FROM bb
		COPY --from=one /d /copied
		COPY D /D
		RUN rm /D
		RUN test ! -e /D && touch /end
	END
	on_overlay <<-'END'
		c import "$FIXTURES/busybox.tar" bb >/dev/null
		c build -q -t one --target one -f D . >/dev/null 2>&1
		c build -q -t t -f D . >/dev/null 2>&1
		c save -o t.tar one t
		c run --rm --network none -q one sh -c 'find /d; ls /f || :' | sort | tr '\n' ' '
		c run --rm --network none -q t sh -c 'find /copied /end; ls /D || :' | sort | tr '\n' ' '
		c rmi -f one t >/dev/null
		c builder prune >/dev/null
		c load -q -i t.tar >/dev/null
		c run --rm --network none -q one sh -c 'find /d; ls /f || :' | sort | tr '\n' ' '
	END
	expect_eq "$out" "/d /d/b /d/e /d/e/new /d/l /copied /copied/b /copied/e /copied/e/new /copied/l /end /d /d/b /d/e /d/e/new /d/l "
	# To everybody else they are whiteouts as usual.
	expect_ok cloche load -q -i t.tar
	expect_ok cloche run --rm --network none one sh -c 'find /d; ls /f || :'
	expect_no_match "$out" '/d/a|/f'
	# A store that was filled so goes on working with copies when it is moved to where the kernel would mount an overlay.
	cp -a u/s moved
	expect_ok cloche --root "$T/moved" run --rm --network none one sh -c 'find /d; ls /f || :'
	expect_no_match "$out" '/d/a|/f'
	expect_match "$err" 'refuses an overlay'
}

test_networks() {
	use_busybox
	build --network none <<-'END'
		FROM busybox
		RUN test "$(ls /sys/class/net)" = lo
		RUN --network=host test "$(ls /sys/class/net | wc -l)" -ge 1
	END
}

test_contexts() {
	use_busybox
	mkdir ctx && echo x >ctx/f && printf 'FROM busybox\nCOPY f /f\nCMD cat /f\n' >ctx/Dockerfile
	tar -C ctx -cf ctx.tar . && gzip -k ctx.tar
	expect_ok cloche build -t c1 - <ctx.tar
	in_image c1
	expect_eq "$out" x
	expect_ok cloche build -t c2 - < <(cat ctx.tar.gz)
	expect_ok cloche build -t c3 ctx.tar.gz
	in_image c3
	expect_eq "$out" x
	expect_ok cloche build -t c4 - <<<'FROM busybox
CMD ["echo", "alone"]'
	in_image c4
	expect_eq "$out" alone
	expect_fail 1 cloche build - <<<'FROM busybox
COPY f /'
	expect_match "$err" 'there is no context'
	mv ctx/Dockerfile ctx/Other
	expect_fail 125 cloche build ctx
	expect_match "$err" 'there is no Dockerfile in the context'
	expect_fail 125 cloche build -f other ctx
	expect_match "$err" "-f 'other': there is no such file here, and none in the context"
	expect_ok cloche build -f ctx/Other ctx
}

test_several_names() {
	use_busybox
	build -t a -t b:2 -t localhost:5000/c/d:3 <<<'FROM busybox'
	expect_match "$err" 'named b:2'
	expect_ok cloche images
	expect_match "$out" 'localhost:5000/c/d +3'
	mkdir -p ctx
	expect_fail 125 cloche build -t 'UPPER' ctx
	expect_match "$err" 'must be in lower case'
}

test_errors_show_their_place() {
	use_busybox
	mkdir ctx
	expect_fail 125 cloche build -f - ctx <<<'FROM busybox

  RNU true'
	expect_match "$err" "Dockerfile:3:3: unknown instruction 'RNU' \(did you mean RUN\?\)"
	expect_match "$err" '3 \|   RNU true'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
RUN echo some output; \
    exit 7'
	expect_match "$err" 'Dockerfile:2:1: RUN ended with exit code 7'
	expect_match "$err" 'some output'
	expect_fail 1 cloche build -q -f - ctx <<<'FROM busybox
RUN echo some output; exit 7'
	expect_match "$err" 'some output'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY nothing /'
	expect_match "$err" "Dockerfile:2:6: COPY: 'nothing' is not there"
	expect_fail any cloche build -f - ctx <<<'FROM nosuchimage'
	expect_match "$err" 'Dockerfile:1:6: .*nosuchimage'
	expect_fail 125 cloche build -f - ctx <<<'FROM busybox
ADD https://example.com/x /'
	expect_match "$err" 'ADD of a URL comes with a later version'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY --chown=nosuch . /'
	expect_match "$err" 'nosuch'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
USER nosuch
RUN true'
	expect_match "$err" 'Dockerfile:3:1: .*nosuch'
}

test_nothing_is_left_behind() {
	use_busybox
	mkdir ctx
	capture cloche build -f - ctx <<<'FROM busybox
RUN mkdir /x && chmod 0 /x && exit 1'
	expect_eq "$(ls -A "$T/root/tmp")" ""
	expect_eq "$(ls -A "$T/root/trash")" ""
}

test_the_context_is_not_left() {
	use_busybox
	mkdir ctx && echo secret >secret && ln -s ../secret ctx/link && ln -s /etc ctx/etc
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY link /'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY etc/passwd /x'
	expect_fail 1 cloche build -f - ctx <<<'FROM busybox
COPY ../secret /'
	# A link inside a folder is copied as a link.
	build -t links <<<'FROM busybox
COPY . /c'
	in_image links readlink /c/link
	expect_eq "$out" ../secret
	# A destination that is a link stays in the image.
	echo evil >ctx/file
	build -t inside <<<'FROM busybox
RUN ln -s /../../../../../../tmp /out
COPY file /out/evil-from-a-build'
	expect_no_file /tmp/evil-from-a-build
	in_image inside cat /tmp/evil-from-a-build
	expect_eq "$out" evil
}
