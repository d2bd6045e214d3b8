#!/usr/bin/env bash
# The Debian packages that the project needs: the one place that lists them. As root it installs what is
# missing, otherwise it names it and fails.
#
# usage: tools/deps.sh [build|check|bench|vm]
#   build   compiles and runs cloche, and make demo
#   check   and also tests it (the default)
#   bench   and also the programs that make bench compares with
#   vm      what make check-vm needs beside check: a virtual machine for control groups of version 2
set -eu

build=(
	gcc libc6-dev meson ninja-build pkg-config python3
	libjansson-dev                # JSON
	libseccomp-dev                # names and numbers of system calls
	libmd-dev                     # SHA-256 without the weight of libcrypto, for the start path
	libisal-dev zlib1g-dev        # gzip: fast, and streams that the fast one doesn't know
	libzstd-dev libbz2-dev liblzma-dev
	libzopfli-dev                 # save --smallest
	libssl-dev                    # SHA-256 in hardware, for whole layers
	libcap-ng-dev
	libcurl4-openssl-dev          # registries
	libslirp-dev                  # the user-mode network
	uidmap                        # newuidmap: ranges of ids, for those who have one
	mmdebstrap fakechroot fakeroot debian-archive-keyring # the demo's base image
)
check=(
	libcmocka-dev
	clang clang-format clang-tidy lld # second compiler, sanitizers, fuzzers, lint
	libclang-rt-dev
	busybox-static                # the image that tests run
	zsh fish                      # their completion
	tmux                          # a terminal to drive
	strace libcap2-bin attr xz-utils zstd bzip2 man-db procps
	docker-registry               # a registry on loopback
	podman skopeo                 # images must work there too
	qemu-user-static              # the same bytes on other processors
)
bench=(slirp4netns passt iperf3 bubblewrap crun runc buildah umoci hyperfine)

vm=(
	qemu-system-x86               # the machine; its kernel and its Debian are fetched by apt, not installed
	kmod e2fsprogs                # which modules find its disk; making that disk
)

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

find_missing() {
	local entry
	for entry in "${wanted[@]}"; do
		installed "$entry" || echo "$entry"
	done
}

case ${1:-check} in
build) wanted=("${build[@]}") ;;
check) wanted=("${build[@]}" "${check[@]}") ;;
bench) wanted=("${build[@]}" "${check[@]}" "${bench[@]}") ;;
vm) wanted=("${build[@]}" "${check[@]}" "${vm[@]}") ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian system; what Debian calls these is needed: ${wanted[*]}" >&2
	exit 0
fi
missing=$(find_missing)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing packages; as root: apt-get install" $missing >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends $(find_missing)
