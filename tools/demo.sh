#!/usr/bin/env bash
# From nothing to a web server in a container, as whoever runs it: makes a Debian base image from Debian's packages,
# builds examples/nginx on it, runs it, fetches the page, shows what is inside the image, and cleans up.
# DEMO_BASE=FILE takes a root file system that is there already; KEEP=1 keeps the store.
set -eu
cd "$(dirname "$0")/.."
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
store=${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/cloche-demo
live=$(mktemp -d)
server=
bold='' plain=''
[ ! -t 1 ] || { bold=$'\e[1m' plain=$'\e[0m'; }

cloche() {
	build/cloche --root "$store" --runroot "$live" "$@"
}

say() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# Shows a command as one would type it, then runs it.
show() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

clean_up() {
	if [ -n "$server" ]; then
		kill -KILL "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	fi
	rm -rf --one-file-system "$live"
	if [ -z "${KEEP:-}" ] && [ -d "$store" ]; then
		# Where the range of subordinate ids is used, layers belong to those.
		[ "$(id -u)" = 0 ] || unshare --map-root-user --map-auto rm -rf --one-file-system "$store" 2>/dev/null || :
		chmod -Rf u+rwX "$store" 2>/dev/null || :
		rm -rf --one-file-system "$store"
	fi
}
trap clean_up EXIT

# A port that nobody listens on, by asking the kernel for one.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# fetch PORT: the page, without need of curl. Fails while nobody listens.
fetch() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$1"
		printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
		cat <&3
	) 2>/dev/null
}

wait_for_page() {
	local tries=500
	until page=$(fetch "$1"); do
		kill -0 "$server" 2>/dev/null || { echo "demo: the server ended" >&2; exit 1; }
		[ $((tries -= 1)) -gt 0 ] || { echo "demo: no page after 10 seconds" >&2; exit 1; }
		read -r -t 0.02 <>"$live/tick" || :
	done
}

began=$SECONDS
rm -rf --one-file-system "$store" 2>/dev/null || :
mkfifo "$live/tick"
port=$(free_port)
say "You are $(id -un), uid $(id -u). This is what the machine offers:"
show cloche doctor

say "A Debian base image, made here from Debian's own packages"
base=${DEMO_BASE:-}
if [ -z "$base" ]; then
	base=$live/base.tar
	show tools/debian-base.sh "$base"
fi
show cloche import "$base" "debian:$codename"
show cloche images

say "An image of our own on top of it"
show cat examples/nginx/Dockerfile
show cloche build -t web --build-arg "RELEASE=$codename" examples/nginx

say "It runs in a network of its own; its port 80 is our port $port"
printf '%s$ cloche run --rm --name web -p %s:80 web &%s\n' "$bold" "$port" "$plain"
build/cloche --root "$store" --runroot "$live" run --rm --name web -p "$port:80" web &
server=$!
wait_for_page "$port"
show cloche ps
printf '%s$ curl http://127.0.0.1:%s/%s\n%s\n' "$bold" "$port" "$plain" "$page"
case $page in
*"Served from a container"*) ;;
*) echo "demo: that is not the page" >&2 && exit 1 ;;
esac
kill -TERM "$server"
wait "$server" || :
server=

say "What is inside the image"
show cloche history web
show cloche inspect --layers web
printf '\nDone in %s seconds. Nothing was installed, no daemon runs%s.\n' "$((SECONDS - began))" \
	"${KEEP:+; the store is in $store}"
