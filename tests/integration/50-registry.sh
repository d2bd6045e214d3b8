# Images from and to registries: Debian's docker-registry, plain and by TLS, with and without a login, and one that misbehaves.
# needs: docker-registry python3 openssl skopeo
# once: test_bad_registries_do_no_harm test_busy_registries_are_waited_for test_tags_are_listed_and_taken_away

. "$SRC/tests/lib/registry.sh"

# A second store, for what is pulled.
other() {
	"$CLOCHE" --root "$T/other" --runroot "$T/other-run" "$@"
}

# start_bad: a misbehaving registry with the busybox image; sets $host, its requests go to $T/requests.
start_bad() {
	use_busybox
	cloche save --format oci-dir -o "$T/layout" busybox
	python3 "$SRC/tests/tools/bad_registry.py" "$T/layout" "$T/requests" "$T/bad-port" &
	registry_pid=$!
	wait_for 20 test -e "$T/bad-port"
	host=127.0.0.1:$(cat "$T/bad-port")
}

test_push_and_pull_keep_the_digest() {
	use_busybox
	start_registry
	expect_ok cloche push --tls-verify=false --digestfile "$T/digest" busybox "$host/me/box:1"
	expect_match "$out" "$host/me/box:1: pushed, digest sha256:"
	expect_ok other pull --tls-verify=false "$host/me/box:1"
	expect_eq "$out" "$(cloche images -q --no-trunc busybox)"
	expect_match "$err" "pulled, digest $(cat "$T/digest")"
	expect_ok other run --rm --network none "$host/me/box:1" echo hello
	expect_eq "$out" hello
	expect_ok skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$host/me/box:1"
	expect_eq "$out" "$(cat "$T/digest")"
	# By digest, into an empty store.
	expect_ok "$CLOCHE" --root "$T/third" --runroot "$T/third-run" pull -q --tls-verify=false \
		"$host/me/box@$(cat "$T/digest")"
	stop_registry
}

test_what_has_not_changed_is_one_request() {
	start_bad
	expect_ok other pull --tls-verify=false "$host/good/box:x"
	: >"$T/requests"
	expect_ok other pull --tls-verify=false "$host/good/box:x"
	expect_match "$err" 'up to date'
	# The first asks whether it speaks TLS, as an insecure registry has to be asked.
	expect_eq "$(grep -cv ' /v2/ ' "$T/requests")" 1
	expect_match "$(cat "$T/requests")" 'HEAD /v2/good/box/manifests/x'
	stop_registry
}

test_images_of_skopeo_are_pulled() {
	use_busybox
	start_registry
	cloche save -o "$T/box.tar" busybox
	for format in oci v2s2; do
		expect_ok skopeo copy -q --format "$format" --dest-tls-verify=false "docker-archive:$T/box.tar" \
			"docker://$host/by-skopeo:$format"
		expect_ok other pull -q --tls-verify=false "$host/by-skopeo:$format"
		expect_ok other run --rm --network none "$host/by-skopeo:$format" echo "$format"
		expect_eq "$out" "$format"
	done
	stop_registry
}

test_plain_http_only_where_it_was_said() {
	use_busybox
	start_registry
	expect_fail 125 cloche push busybox "$host/box:1"
	expect_match "$err" 'no TLS'
	expect_match "$err" 'hint: .*--tls-verify=false'
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" >"$T/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$T/registries.conf
	expect_ok cloche push busybox "$host/box:1"
	printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$host" >"$T/registries.conf"
	expect_fail 125 cloche push busybox "$host/box:1"
	expect_match "$err" 'blocked by registries.conf'
	stop_registry
}

test_certificates_are_verified() {
	use_busybox
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
	start_registry ", tls: {certificate: $T/cert.pem, key: $T/key.pem}"
	expect_fail 125 cloche push busybox "$host/box:1"
	expect_match "$err" 'certificate can.t be verified'
	mkdir "$T/certs"
	cp "$T/cert.pem" "$T/certs/ca.crt"
	expect_ok cloche push --cert-dir "$T/certs" busybox "$host/box:1"
	expect_ok other pull -q --cert-dir "$T/certs" "$host/box:1"
	export XDG_CONFIG_HOME=$T/config
	mkdir -p "$XDG_CONFIG_HOME/containers/certs.d"
	cp -r "$T/certs" "$XDG_CONFIG_HOME/containers/certs.d/$host"
	expect_ok cloche push busybox "$host/box:2"
	expect_ok cloche push --tls-verify=false busybox "$host/box:3"
	stop_registry
}

test_login_and_logout_with_basic() {
	use_busybox
	# me:secret, by bcrypt
	echo 'me:$2y$05$1VzQpYy/mOnJMXHYbnD6v.Dv2Vx5vBjYXbfV0TXxcmXJSM3EhhDB2' >"$T/htpasswd"
	python3 - "$T/htpasswd" <<-'END' || skip "python has no bcrypt by crypt(3)"
		import crypt, sys
		line = crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1 << 5))
		assert line and line.startswith("$2")
		open(sys.argv[1], "w").write("me:" + line + "\n")
	END
	start_registry "" "auth: {htpasswd: {realm: test, path: $T/htpasswd}}"
	export REGISTRY_AUTH_FILE=$T/auth.json
	expect_fail 125 cloche push --tls-verify=false busybox "$host/box:1"
	expect_match "$err" "wants a login"
	expect_match "$err" "hint: 'cloche login $host'"
	expect_fail 125 cloche login --tls-verify=false -u me -p wrong "$host"
	expect_match "$err" "doesn't accept the login of 'me'"
	expect_no_file "$T/auth.json"
	echo secret | expect_ok cloche login --tls-verify=false -u me --password-stdin "$host"
	expect_eq "$(stat -c %a "$T/auth.json")" 600
	expect_ok cloche login --get-login "$host"
	expect_eq "$out" me
	expect_ok cloche push --tls-verify=false busybox "$host/box:1"
	# podman's tools take it from there too.
	expect_ok skopeo inspect --tls-verify=false --authfile "$T/auth.json" "docker://$host/box:1"
	expect_ok cloche logout "$host"
	expect_fail 125 other pull --tls-verify=false "$host/box:1"
	expect_ok other pull -q --tls-verify=false --creds me:secret "$host/box:1"
	stop_registry
}

test_tokens_and_whom_they_are_shown_to() {
	start_bad
	expect_fail 125 other pull --tls-verify=false "$host/token/box:x"
	expect_match "$err" 'wants a login'
	expect_ok other pull -q --tls-verify=false --creds me:secret "$host/token/box:x"
	: >"$T/requests"
	# The blobs are on a host of another name: it gets no token.
	expect_ok "$CLOCHE" --root "$T/third" --runroot "$T/third-run" pull -q --tls-verify=false --creds me:secret \
		"$host/away/box:x"
	expect_match "$(cat "$T/requests")" 'GET /v2/away/box/blobs/.* auth'
	expect_no_match "$(cat "$T/requests")" '/v2/good/x/blobs/[^ ]* auth'
	stop_registry
}

test_credential_helpers_are_asked() {
	start_bad
	mkdir "$T/helpers"
	cat >"$T/helpers/docker-credential-test" <<-'END'
		#!/bin/sh
		read -r server
		echo "$1 $server" >>"$T/helper-log"
		echo '{"ServerURL":"x","Username":"me","Secret":"secret"}'
	END
	chmod +x "$T/helpers/docker-credential-test"
	echo "{\"credHelpers\":{\"$host\":\"test\"}}" >"$T/auth.json"
	export PATH=$T/helpers:$PATH REGISTRY_AUTH_FILE=$T/auth.json T
	expect_ok other pull -q --tls-verify=false "$host/token/box:x"
	expect_eq "$(cat "$T/helper-log")" "get $host"
	stop_registry
}

test_what_is_cut_off_is_resumed() {
	start_bad
	expect_ok other pull -q --tls-verify=false "$host/cut/box:x"
	expect_match "$(cat "$T/requests")" 'GET /v2/cut/box/blobs/sha256:[0-9a-f]* anonymous bytes=[1-9]'
	expect_ok "$CLOCHE" --root "$T/third" --runroot "$T/third-run" pull -q --tls-verify=false "$host/cut-no-range/box:x"
	expect_ok "$CLOCHE" --root "$T/third" --runroot "$T/third-run" run --rm --network none \
		"$host/cut-no-range/box:x" echo whole
	expect_eq "$out" whole
	stop_registry
}

test_busy_registries_are_waited_for() {
	start_bad
	expect_ok other pull -q --tls-verify=false "$host/busy/box:x"
	expect_fail 125 other pull --tls-verify=false "$host/broken/box:x"
	expect_match "$err" 'answers 503: unavailable \(UNAVAILABLE\)'
	stop_registry
}

# Each ends in one clear error, soon, and leaves nothing in the store.
test_bad_registries_do_no_harm() {
	local how
	start_bad
	for how in short long wrong loop inside big header circle cut-always; do
		: >"$T/requests"
		expect_fail 125 timeout 30 "$CLOCHE" --root "$T/bad-$how" --runroot "$T/bad-run" pull -q --tls-verify=false \
			"$host/$how/box:x"
		case $how in
		short) expect_match "$err" 'only|digest|size' ;;
		long) expect_match "$err" 'more than the|File too large|Argument list too long' ;;
		wrong) expect_match "$err" 'digest' ;;
		loop) expect_match "$err" 'redirects' ;;
		inside) expect_match "$err" 'neither its own nor 443' ;;
		big | header) expect_match "$err" 'larger than allowed' ;;
		circle) expect_match "$err" 'deep|something else' ;;
		esac
		expect_eq "$(find "$T/bad-$how/blobs" "$T/bad-$how/layers" "$T/bad-$how/tmp" -mindepth 1 -type f | wc -l)" 0 "$how"
		expect_ok "$CLOCHE" --root "$T/bad-$how" --runroot "$T/bad-run" images -q
		expect_eq "$out" ""
	done
	stop_registry
}

test_another_manifest_than_the_one_asked_for_is_refused() {
	local digest
	start_bad
	digest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])' "$T/layout/index.json")
	expect_fail 125 other pull --tls-verify=false "$host/lies/box@$digest"
	expect_match "$err" "manifest: the registry sends something else than $digest"
	expect_ok other pull -q --tls-verify=false "$host/good/box@$digest"
	stop_registry
}

test_unknown_names_and_unreachable_hosts() {
	use_busybox
	start_registry
	expect_fail 125 cloche pull --tls-verify=false "$host/nothing:1"
	expect_match "$err" "doesn't have it: manifest unknown"
	expect_fail 125 cloche push nothing "$host/x:1"
	expect_match "$err" "there is no image 'nothing'"
	stop_registry
	expect_fail 125 cloche pull --tls-verify=false "$host/box:1"
	expect_match "$err" "connect to 127.0.0.1:$port: Connection refused"
}

test_mirrors_and_locations_are_followed() {
	start_bad
	export CONTAINERS_REGISTRIES_CONF=$T/registries.conf
	cat >"$T/registries.conf" <<-END
		[[registry]]
		prefix = "example.invalid/team"
		location = "$host/good"
		insecure = true
		[[registry]]
		prefix = "mirrored.invalid"
		[[registry.mirror]]
		location = "127.0.0.1:1"
		[[registry.mirror]]
		location = "$host/good"
		insecure = true
	END
	expect_ok other pull -q example.invalid/team/box:x
	expect_ok other run --rm --network none example.invalid/team/box:x echo moved
	expect_eq "$out" moved
	: >"$T/requests"
	expect_ok other pull -q mirrored.invalid/box:x
	expect_match "$(cat "$T/requests")" ' /v2/good/box/manifests/x'
	expect_ok other run --rm --network none mirrored.invalid/box:x echo mirrored
	expect_eq "$out" mirrored
	stop_registry
}

test_run_and_build_pull_what_is_missing() {
	start_bad
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" >"$T/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$T/registries.conf
	expect_fail 125 other run --rm --network none --pull never "$host/good/box:x" true
	expect_ok other run --rm --network none "$host/good/box:x" echo here
	expect_eq "$out" here
	expect_match "$err" "pulling $host/good/box:x"
	: >"$T/requests"
	expect_ok other run --rm --network none "$host/good/box:x" true
	expect_eq "$(cat "$T/requests")" ""
	expect_ok other run --rm --network none --pull always "$host/good/box:x" true
	expect_match "$(cat "$T/requests")" 'HEAD /v2/good/box/manifests/x'
	mkdir context
	printf 'FROM %s/good/base:x\nRUN echo built > /f\n' "$host" >context/Dockerfile
	expect_ok other build --network none -t built context
	expect_ok other build --pull --network none -t built context
	expect_ok other run --rm --network none built cat /f
	expect_eq "$out" built
	expect_fail 125 other run --rm --network none "$host/good/nothing:x/y" true
	printf 'FROM %s/nothing/box:y\n' "$host" >context/Dockerfile
	stop_registry
	expect_fail any other build --network none context
	expect_match "$err" "Dockerfile:1:6: there is no image .*, and it can't be pulled: connect to"
}

test_two_pulls_of_one_image_fetch_it_once() {
	start_bad
	other pull -q --tls-verify=false "$host/good/box:x" &
	other pull -q --tls-verify=false "$host/good/two:x" &
	wait %2 %3
	expect_eq "$(grep -c 'GET /v2/good/[a-z]*/blobs' "$T/requests")" 3
	stop_registry
}

test_tags_are_listed_and_taken_away() {
	use_busybox
	start_registry
	for tag in 1 2 3; do
		expect_ok cloche push -q --tls-verify=false --digestfile "$T/digest" busybox "$host/me/box:$tag"
	done
	local digest
	digest=$(cat "$T/digest")
	expect_ok cloche images --remote --tls-verify=false "$host/me/box"
	expect_match "$out" "^REPOSITORY +TAG"
	expect_eq "$(echo "$out" | tr -s ' ' | tail -n +2 | sort)" "$host/me/box 1
$host/me/box 2
$host/me/box 3"
	expect_ok cloche images --remote -q --tls-verify=false "$host/me/box"
	expect_eq "$(echo "$out" | sort | head -1)" "$host/me/box:1"
	expect_ok cloche images --remote --format '{{.Tag}} {{.Digest}}' --tls-verify=false "$host/me/box:2"
	expect_match "$out" "2 $digest"
	expect_fail 125 cloche images --remote --tls-verify=false "$host/me/none"
	expect_match "$err" "images: '$host/me/none': .*doesn't have it"
	expect_fail 125 cloche images --remote
	# This registry can't remove a tag alone.
	expect_fail 125 cloche rmi --remote --tls-verify=false "$host/me/box:1"
	expect_match "$err" "all its tags, and '[23]' is another of them"
	expect_ok cloche rmi --remote --force --tls-verify=false "$host/me/box:1"
	expect_eq "$out" "Deleted: $host/me/box:1"
	expect_fail 125 cloche pull --tls-verify=false "$host/me/box:3"
	expect_ok cloche push -q --tls-verify=false busybox "$host/me/box:4"
	expect_ok cloche rmi --remote --tls-verify=false "$host/me/box@$digest"
	expect_fail 125 cloche rmi --remote --tls-verify=false "$host/me/box:4"
	expect_match "$err" "$host/me/box:4.*doesn't have it"
	expect_ok cloche images -q busybox
	stop_registry
}

test_search() {
	start_bad
	expect_ok cloche search --tls-verify=false "$host/box"
	expect_eq "$(echo "$out" | sed 's/  */ /g; s/ *$//')" "NAME DESCRIPTION STARS OFFICIAL
good/box A box, and über alles a very long descriptio… 12 [OK]
evil/box [2Jgone next 3"
	expect_ok cloche search --tls-verify=false --no-trunc --filter stars=5 --format '{{.Name}}: {{.Description}}' "$host/box"
	expect_eq "$out" "good/box: A box, and über alles a very long description of it, indeed"
	expect_ok cloche search --tls-verify=false --filter is-official=false --format json "$host/box"
	expect_eq "$out" '{"Name":"evil/box","Description":" [2Jgone next","StarCount":"3","IsOfficial":"false"}'
	expect_ok cloche search --tls-verify=false --limit 1 --format '{{.Name}}' "$host/box"
	expect_eq "$out" good/box
	expect_ok cloche search --tls-verify=false --list-tags "$host/good/box"
	expect_match "$out" "$host/good/box	y"
	expect_fail 125 cloche search --filter stars=many "$host/box"
	expect_match "$err" "invalid filter 'stars=many'"
	expect_fail 125 cloche search --limit 0 box
	stop_registry
}

test_a_registry_without_a_search_says_so() {
	start_registry
	expect_fail 125 cloche search --tls-verify=false "$host/box"
	expect_match "$err" "$host has no search"
	expect_match "$err" "--list-tags"
	stop_registry
}
