#!/usr/bin/env bash
# Makes a small Debian root file system as a tar, from the package sources that this machine's apt uses, with apt's
# proxy and download settings carried over, as root or as an ordinary user with or without subordinate ids.
#
# usage: tools/debian-base.sh OUT.tar [MMDEBSTRAP-OPTION...]
set -eu
out=$1
shift

for program in mmdebstrap apt-config; do
	command -v "$program" >/dev/null || { echo "debian-base: $program is not installed: make deps" >&2; exit 1; }
done

# mmdebstrap's ways to be root enough: really, in a user namespace with a range of ids, or by a preloaded library.
pick_mode() {
	if [ "$(id -u)" = 0 ]; then
		echo root
	elif grep -q "^$(id -un):" /etc/subuid 2>/dev/null && command -v newuidmap >/dev/null; then
		echo unshare
	else
		echo fakechroot
	fi
}

# How this machine's apt reaches its mirrors, as lines of apt.conf.
settings() {
	apt-config dump | grep -E '^Acquire::((http|https|ftp|tor)::|Check-|Retries|ForceIPv|AllowInsecure|AllowWeak|AllowDowngrade)' |
		grep -v ' "";$' || :
	for name in http https; do
		local variable=${name}_proxy
		[ -z "${!variable:-}" ] || echo "Acquire::$name::Proxy \"${!variable}\";"
	done
}

sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	[ -s "$file" ] && sources+=("$file")
done
[ ${#sources[@]} -gt 0 ] || { echo "debian-base: apt has no sources on this machine" >&2; exit 1; }

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
conf=$(mktemp) small=$(mktemp)
trap 'rm -f "$conf" "$small"' EXIT
settings >"$conf"
# In an image, downloaded packages and apt's caches are only weight.
cat >"$small" <<'END'
APT::Keep-Downloaded-Packages "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
chmod 644 "$conf" "$small" # in the user namespace it is somebody else who reads it
# fakechroot finds ldconfig and friends only where an administrator's PATH looks.
PATH=$PATH:/usr/sbin:/sbin
mmdebstrap --quiet --mode="$(pick_mode)" --variant=minbase --format=tar --aptopt="$conf" \
	--aptopt='APT::Install-Recommends "false"' --customize-hook="upload $small /etc/apt/apt.conf.d/90small" \
	--customize-hook='rm -f "$1"/var/cache/apt/*.bin' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' "$@" "$codename" "$out.part" "${sources[@]}"
mv "$out.part" "$out"
