# The same content gives the same blob, whichever processor packs it: ISA-L has code of its own for each family.
# users: root
# needs: qemu-x86_64-static
# timeout: 120

test_gzip_bytes_are_the_same_on_every_processor() {
	local cpu native tool
	tool=$(dirname "$CLOCHE")/tests/gzip_bytes
	[ "$(uname -m)" = x86_64 ] || skip "these are processors of x86_64"
	{
		cat "$CLOCHE"
		seq 200000
		python3 -c 'import random, sys
random.seed(1)
sys.stdout.buffer.write(random.randbytes(500000))
sys.stdout.buffer.write(b"".join(random.choice((b"a", b"bc", b"def ")) for _ in range(300000)))'
	} >data
	"$tool" <data >data.gz
	expect_ok cmp data <(gzip -dc data.gz)
	native=$(sha256sum <data.gz)
	for cpu in Nehalem SandyBridge Haswell max; do
		expect_eq "$(qemu-x86_64-static -cpu "$cpu" "$tool" <data 2>/dev/null | sha256sum)" "$native" "$cpu"
	done
}
