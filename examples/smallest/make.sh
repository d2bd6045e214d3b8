#!/bin/sh
# The smallest image that sleeps: builds t, the image, and smallest.tar.gz and smallest.tar.zst in the folder OUT (default: .).
#
#     examples/smallest/make.sh [OUT]
set -eu
here=$(dirname "$0") out=${1:-.} cloche=${CLOCHE:-cloche}
context=$(mktemp -d)
trap 'rm -r "$context"' EXIT
gcc -c -o "$context/t.o" "$here/t.S"
objcopy -O binary -j .text "$context/t.o" "$context/t"
rm "$context/t.o"
# A time of 0 is an empty field in the layer; the mode, which the Dockerfile sets, is one digit: executable by root, who may all.
touch -d @0 "$context/t"
image=$("$cloche" build -q -f "$here/Dockerfile" "$context")
# By its ID, not by a name: the archive then names nothing.
"$cloche" save --smallest -o "$out/smallest.tar.gz" "$image"
"$cloche" save --smallest --compression zstd -o "$out/smallest.tar.zst" "$image"
wc -c "$out/smallest.tar.gz" "$out/smallest.tar.zst"
