#!/usr/bin/env python3
"""Turns the last layer of an OCI image layout with one image into eStargz or zstd:chunked, in place.

usage: lazy_image.py LAYOUT estargz|chunked [CHANGE ...]

The formats are those of stargz-snapshotter's docs/estargz.md and of containers/storage's pkg/chunked. CHANGE spoils it:
  chunk=NAME   NAME's content in the layer is not what its digest in the table says
  toc          the manifest names another digest of the table
  split=BYTES  files are cut into chunks of so many bytes
"""

import base64
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import time
import zlib

LAYOUT, KIND = sys.argv[1:3]
CHANGES = dict(word.partition("=")[::2] for word in sys.argv[3:])
SPLIT = int(CHANGES.get("split", 4 << 20))
TYPES = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.REGTYPE: "reg",
         tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob_path(digest):
    return os.path.join(LAYOUT, "blobs", "sha256", digest.split(":")[1])


def read(digest):
    with open(blob_path(digest), "rb") as f:
        return f.read()


def put(data):
    with open(blob_path(sha(data)), "wb") as f:
        f.write(data)
    return sha(data)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def press(data):
    return gzip.compress(data, 9, mtime=0) if KIND == "estargz" else zstd(data)


def entry_of(member):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(member.mtime)))
    entry = {"name": member.name, "type": TYPES[member.type], "modtime": stamp, "mode": member.mode & 0o7777,
             "uid": member.uid, "gid": member.gid}
    if member.isfile() and member.size:
        entry["size"] = member.size
    if member.issym() or member.islnk():
        entry["linkName"] = member.linkname
    if member.ischr() or member.isblk():
        entry.update(devMajor=member.devmajor, devMinor=member.devminor)
    xattrs = {key[len("SCHILY.xattr."):]: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
              for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    if xattrs:
        entry["xattrs"] = xattrs
    return entry


def convert(tar):
    """The layer's compressed parts, its table, and its uncompressed bytes."""
    out, plain, entries, pending = io.BytesIO(), io.BytesIO(), [], b""

    def flush(data):
        if data:
            out.write(press(data))
            plain.write(data)

    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            pending += tar[member.offset:member.offset_data]
            entry = entry_of(member)
            entries.append(entry)
            if "size" not in entry:
                continue
            flush(pending)
            content = tar[member.offset_data:member.offset_data + member.size]
            entry["digest"] = sha(content)
            real = content
            if CHANGES.get("chunk") == member.name:
                content = content[:-1] + bytes([content[-1] ^ 1])
            pieces = [content[at:at + SPLIT] for at in range(0, len(content), SPLIT)]
            end = tar[member.offset_data + member.size:member.offset_data + (member.size + 511) // 512 * 512]
            for number, piece in enumerate(pieces):
                chunk = entry if number == 0 else {"name": member.name, "type": "chunk"}
                if number:
                    entries.append(chunk)
                chunk["offset"] = out.tell()
                if number:
                    chunk["chunkOffset"] = number * SPLIT
                if len(pieces) > 1:
                    chunk["chunkSize"] = len(piece)
                chunk["chunkDigest"] = sha(real[number * SPLIT:number * SPLIT + len(piece)])
                # As the writers do it: what follows the last chunk may be in its member.
                flush(piece + (end if number == len(pieces) - 1 and KIND == "estargz" else b""))
                if KIND == "chunked":
                    chunk["endOffset"] = out.tell()
            pending = end if KIND == "chunked" else b""
    return out, plain, entries, pending


def toc_tar(text):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("stargz.index.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return file.getvalue()


def estargz(out, plain, entries, pending):
    if pending:
        out.write(press(pending))
        plain.write(pending)
    text = json.dumps({"version": 1, "entries": entries}).encode()
    at = out.tell()
    archive = toc_tar(text)
    out.write(press(archive))
    plain.write(archive)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % at
    footer = b"\x1f\x8b\x08\x04" + b"\0" * 4 + b"\0\xff" + struct.pack("<H", len(extra)) + extra
    footer += b"\x01\0\0\xff\xff" + b"\0" * 8
    assert len(footer) == 51
    out.write(footer)
    return {"containerd.io/snapshot/stargz/toc.digest": sha(text)}


def chunked(out, plain, entries, pending):
    end = pending + b"\0" * 1024
    out.write(press(end))
    plain.write(end)
    text = json.dumps({"version": 1, "entries": entries}).encode()
    packed = zstd(text)
    out.write(struct.pack("<II", 0x184D2A50, len(packed)))
    at = out.tell()
    out.write(packed)
    footer = struct.pack("<QQQQQQQ", at, len(packed), len(text), 1, 0, 0, 0) + b"GNUlInUx"
    out.write(struct.pack("<II", 0x184D2A50, len(footer)) + footer)
    return {"io.github.containers.zstd-chunked.manifest-checksum": sha(packed),
            "io.github.containers.zstd-chunked.manifest-position": f"{at}:{len(packed)}:{len(text)}:1"}


def main():
    with open(os.path.join(LAYOUT, "index.json"), encoding="utf-8") as f:
        index = json.load(f)
    manifest = json.loads(read(index["manifests"][0]["digest"]))
    config = json.loads(read(manifest["config"]["digest"]))
    layer = read(manifest["layers"][-1]["digest"])
    if layer[:2] == b"\x1f\x8b":
        layer = zlib.decompress(layer, 31)
    out, plain, entries, pending = convert(layer)
    notes = (estargz if KIND == "estargz" else chunked)(out, plain, entries, pending)
    if "toc" in CHANGES:
        notes = {key: sha(b"another") if value.startswith("sha256:") else value for key, value in notes.items()}
    blob = out.getvalue()
    media = "application/vnd.oci.image.layer.v1.tar+" + ("gzip" if KIND == "estargz" else "zstd")
    manifest["layers"][-1] = {"mediaType": media, "digest": put(blob), "size": len(blob), "annotations": notes}
    config["rootfs"]["diff_ids"][-1] = sha(plain.getvalue())
    text = json.dumps(config).encode()
    manifest["config"].update(digest=put(text), size=len(text))
    text = json.dumps(manifest).encode()
    index["manifests"][0].update(digest=put(text), size=len(text))
    with open(os.path.join(LAYOUT, "index.json"), "w", encoding="utf-8") as f:
        json.dump(index, f)


main()
