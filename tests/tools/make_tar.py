#!/usr/bin/env python3
"""Archives that an attacker, or a careless tool, would make: make_tar.py KIND [ARGUMENT] writes one to stdout.

Headers are put together by hand where Python's tarfile refuses to.
"""

import gzip
import hashlib
import sys

BLOCK = 512


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def header(name, kind=b"0", size=0, link=b"", mode=0o644, uid=0, gid=0, mtime=1000000000, raw_size=None, dev=(0, 0),
           magic=b"ustar\x0000"):
    fields = [
        name.ljust(100, b"\0"), octal(mode, 8), octal(uid, 8), octal(gid, 8),
        octal(size, 12) if raw_size is None else raw_size, octal(mtime, 12), b" " * 8, kind, link.ljust(100, b"\0"),
        magic, b"".ljust(64, b"\0"), octal(dev[0], 8), octal(dev[1], 8), b"".ljust(155 + 12, b"\0"),
    ]
    block = bytearray(b"".join(fields))
    assert len(block) == BLOCK
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def fast(name, empty=[]):
    """The header of an empty file, many times a second."""
    if not empty:
        empty.append(header(b""))
        empty.append(int(empty[0][148:154], 8))
    block = empty[0]
    return name.ljust(100, b"\0") + block[100:148] + b"%06o" % (empty[1] + sum(name)) + block[154:]


def padded(data):
    return data + b"\0" * (-len(data) % BLOCK)


def file(name, data=b"evil\n", **more):
    return header(name, size=len(data), **more) + padded(data)


def pax(records, kind=b"x"):
    text = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        length = len(body) + len(str(len(body)))
        length = len(body) + len(str(length))
        text += str(length).encode() + body
    return header(b"pax", kind, size=len(text)) + padded(text)


END = b"\0" * 1024
BASE256_NEGATIVE = b"\xff" * 12
BASE256_2_63 = b"\x80\0\0\0" + b"\x80" + b"\0" * 7
NOISE = bytes(hashlib.sha256(b"%d" % i).digest()[0] for i in range(20000))
DEEP = b"/".join([b"d"] * 2000)

KINDS = {
    # names that lead out
    "dotdot": lambda: file(b"../evil") + END,
    "dotdot-inside": lambda: file(b"a/../../evil") + END,
    "dotdot-pax": lambda: pax([(b"path", b"a/../../evil")]) + file(b"x") + END,
    "absolute": lambda: file(b"/tmp/cloche-evil") + END,
    "symlink-out": lambda: header(b"out", b"2", link=b"../../..") + file(b"out/evil") + END,
    "symlink-absolute": lambda: header(b"out", b"2", link=b"/tmp") + file(b"out/cloche-evil") + END,
    "symlink-chain": lambda: header(b"a", b"2", link=b".") + header(b"a/b", b"2", link=b"..") + file(b"b/evil") + END,
    "symlink-folder": lambda: header(b"d", b"2", link=b"/tmp") + header(b"d/cloche-evil/", b"5") + END,
    "symlink-whiteout": lambda: header(b"d", b"2", link=b"/tmp") + header(b"d/.wh.cloche-evil", b"0") + END,
    "hardlink-out": lambda: header(b"passwd", b"1", link=b"../../../../etc/passwd") + END,
    "hardlink-absolute": lambda: header(b"passwd", b"1", link=b"/etc/passwd") + END,
    "hardlink-through-symlink": lambda: header(b"e", b"2", link=b"/etc") + header(b"p", b"1", link=b"e/passwd") + END,
    "hardlink-missing": lambda: header(b"h", b"1", link=b"nowhere") + END,
    "below-a-file": lambda: file(b"f") + file(b"f/evil") + END,
    "whiteout-of-nothing": lambda: file(b".wh.") + END,
    "whiteout-of-dotdot": lambda: file(b".wh...") + END,
    "device-zero": lambda: header(b"w", b"3", dev=(0, 0)) + END,
    # numbers and structure
    "negative-size": lambda: header(b"n", raw_size=BASE256_NEGATIVE) + END,
    "size-2-63": lambda: header(b"n", raw_size=BASE256_2_63) + END,
    "pax-size-2-63": lambda: pax([(b"size", b"9223372036854775808")]) + header(b"n") + END,
    "pax-size-negative": lambda: pax([(b"size", b"-1")]) + header(b"n") + END,
    "huge-size": lambda: header(b"n", raw_size=b"\x80\0\0\0\x7f" + b"\xff" * 7) + b"x" * 5000,
    "truncated": lambda: header(b"t", size=100000) + b"x" * 5000,
    "truncated-header": lambda: file(b"t") + header(b"u")[:200],
    "no-end": lambda: file(b"t"),
    "checksum": lambda: b"x" + header(b"cc")[1:] + END,
    "unknown-type": lambda: header(b"u", b"Z") + END,
    "garbage": lambda: b"this is no archive at all\n" * 100,
    "empty": lambda: b"",
    "pax-nul": lambda: pax([(b"path", b"a\0b")]) + file(b"x") + END,
    "pax-malformed": lambda: header(b"pax", b"x", size=512) + b"999 path=x\n".ljust(512, b"\0") + file(b"x") + END,
    "pax-huge": lambda: header(b"pax", b"x", size=64 << 20) + b"1" * (64 << 20) + END,
    "pax-global-path": lambda: pax([(b"path", b"same")], b"g") + file(b"x") + END,
    "sparse-lie": lambda: pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                               (b"GNU.sparse.realsize", b"10")]) + file(b"s", b"1\n0\n99999\n".ljust(512, b"\0") + b"x" * 10) + END,
    "name-too-long": lambda: pax([(b"path", b"n" * 300)]) + file(b"x") + END,
    "path-too-long": lambda: pax([(b"path", b"/".join([b"n" * 200] * 30))]) + file(b"x") + END,
    "deep": lambda: pax([(b"path", DEEP)]) + file(b"x") + END,
    "gzip-cut": lambda: gzip.compress(file(b"x", NOISE) + END)[:-3000],
    "gzip-damaged": lambda: gzip.compress(file(b"x", b"y" * 100000) + END)[:-8] + b"\0" * 8,
    "gzip-tail": lambda: gzip.compress(file(b"x") + END) + b"and more",
    # what must work
    "twice": lambda: file(b"f", b"first\n") + file(b"f", b"second\n") + END,
    "file-folder-file": lambda: (file(b"x", b"1\n") + header(b"x/", b"5", mode=0o755) + file(b"x/in", b"2\n")
                                 + file(b"x", b"3\n") + header(b"x/", b"5", mode=0o755) + file(b"x/last", b"4\n") + END),
    "link-inside": lambda: header(b"usr/", b"5", mode=0o755) + header(b"lib", b"2", link=b"usr") + file(b"lib/f", b"in\n") + END,
    "over-symlink": lambda: header(b"l", b"2", link=b"/etc/passwd") + file(b"l", b"mine\n") + END,
    "folder-over-symlink": lambda: header(b"l", b"2", link=b"/tmp") + header(b"l/", b"5", mode=0o755) + file(b"l/f", b"in\n") + END,
    "no-parents": lambda: file(b"a/b/c/f", b"deep\n") + END,
    "not-utf8": lambda: file(b"caf\xe9", b"latin\n") + END,
    "forged-xattrs": lambda: pax([(b"SCHILY.xattr.user.overlay.opaque", b"y"), (b"SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
                                  (b"SCHILY.xattr.user.cloche.owner", b"7:7"), (b"SCHILY.xattr.user.fine", b"yes")]) + file(b"f") + END,
    "large-xattr": lambda: pax([(b"SCHILY.xattr.user.large", b"v" * 3000)]) + file(b"f") + END,
    "xattr-64k": lambda: pax([(b"SCHILY.xattr.user.large", b"v" * 65536)]) + file(b"f") + END,
    "xattr-over": lambda: pax([(b"SCHILY.xattr.user.large", b"v" * 65537)]) + file(b"f") + END,
    "xattrs-many": lambda: pax([(b"SCHILY.xattr.user.n%d" % i, b"v") for i in range(1000)]) + file(b"f") + END,
    "times": lambda: pax([(b"mtime", b"1234567890.123456789")]) + file(b"f") + pax([(b"mtime", b"-1.5")]) + file(b"old") + END,
    "gnu-long": lambda: (header(b"././@LongLink", b"L", size=301) + padded(b"g/" * 100 + b"n" * 100 + b"\0")
                         + file(b"short", b"long\n") + END),
    "v7": lambda: file(b"f", b"old\n", magic=b"\0" * 8) + END,
    "whiteouts": lambda: (header(b"d/", b"5", mode=0o755) + file(b"d/.wh..wh..opq", b"") + file(b"d/.wh.gone", b"")
                          + file(b".wh.also", b"") + file(b".wh..wh.plnk/1", b"") + file(b"d/kept", b"k\n") + END),
    "owners": lambda: file(b"f", b"o\n", uid=33, gid=34) + header(b"l", b"2", link=b"f", uid=1, gid=2) + END,
    "owner-large": lambda: file(b"f", b"o\n", uid=1000000, gid=2000000) + END,
}


def stream(kind, argument):
    """Those that are too large to be put together first."""
    out = sys.stdout.buffer
    if kind == "many":
        # So many entries, by one piece of 100,000 over and over: a gzip stream may consist of many.
        piece = gzip.compress(b"".join(fast(b"d%d/f%d" % (i // 1000, i)) for i in range(100000)), 1, mtime=0)
        for _ in range(int(argument) // 100000):
            out.write(piece)
        out.write(gzip.compress(END, 1, mtime=0))
    elif kind == "bomb":
        # So many MiB of zeros in one file.
        out.write(gzip.compress(header(b"zeros", size=int(argument) << 20), 9, mtime=0))
        piece = gzip.compress(bytes(1 << 20), 9, mtime=0)
        for _ in range(int(argument)):
            out.write(piece)
        out.write(gzip.compress(END, 9, mtime=0))
    elif kind == "fill":
        # So many MiB that don't compress, in files of one MiB.
        import random
        source = random.Random(1)
        for i in range(int(argument)):
            out.write(file(b"f%d" % i, source.randbytes(1 << 20)))
        out.write(END)
    elif kind == "files":
        for i in range(int(argument)):
            out.write(header(b"f%d" % i))
        out.write(END)
    else:
        return False
    return True


def main():
    kind = sys.argv[1]
    if kind == "--list":
        print("\n".join(KINDS))
        return
    if not stream(kind, sys.argv[2] if len(sys.argv) > 2 else None):
        sys.stdout.buffer.write(KINDS[kind]())


main()
