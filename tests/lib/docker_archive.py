"""Writes image archives as docker wrote them over the years, and broken ones: docker_archive.py KIND FILE.

Each holds the image made:1 of two layers (a.txt; b.txt and the deletion of a.txt), except where it is broken.
"""

import hashlib
import io
import json
import sys
import tarfile


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = 1700000000
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


LAYERS = [tar_of([("a.txt", b"first\n")]), tar_of([("b.txt", b"second\n"), (".wh.a.txt", b"")])]


def config(layers=LAYERS, **more):
    value = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[__import__("platform").machine()],
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": {"Cmd": ["/b.txt"], "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer) for layer in layers]},
        "history": [{"created_by": "COPY a.txt /"}, {"created_by": "RUN mv a.txt b.txt"}],
    }
    value.update(more)
    return json.dumps(value).encode()


def manifest(conf, layers, tags=("made:1",)):
    return json.dumps([{"Config": conf, "RepoTags": list(tags), "Layers": layers}]).encode()


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type = tarfile.SYMTYPE
    info.linkname = target
    return info


def classic():
    """docker 1.10 to 24: layers in folders, the configuration beside them, repositories for older readers."""
    conf = config()
    yield "1" * 64 + "/layer.tar", LAYERS[0]
    yield "1" * 64 + "/VERSION", b"1.0"
    yield "1" * 64 + "/json", b"{}"
    yield "2" * 64 + "/layer.tar", LAYERS[1]
    yield sha256(conf) + ".json", conf
    yield "manifest.json", manifest(sha256(conf) + ".json", ["1" * 64 + "/layer.tar", "2" * 64 + "/layer.tar"])
    yield "repositories", json.dumps({"made": {"1": "2" * 64}}).encode()


def links():
    """podman and skopeo: layers by their digest, layer.tar a link to them; here the manifest names the links."""
    conf = config()
    for number, layer in enumerate(LAYERS, 1):
        yield sha256(layer) + ".tar", layer
        yield link(str(number) * 64 + "/layer.tar", "../" + sha256(layer) + ".tar"), None
    yield sha256(conf) + ".json", conf
    yield "manifest.json", manifest(sha256(conf) + ".json", ["1" * 64 + "/layer.tar", "2" * 64 + "/layer.tar"])


def hybrid():
    """docker 25 and later: an OCI layout with manifest.json."""
    conf = config()
    blobs = [conf] + LAYERS
    oci = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + sha256(conf), "size": len(conf)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + sha256(layer), "size": len(layer)}
                   for layer in LAYERS],
    }).encode()
    for blob in blobs + [oci]:
        yield "blobs/sha256/" + sha256(blob), blob
    yield "index.json", json.dumps({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + sha256(oci), "size": len(oci),
            "annotations": {"io.containerd.image.name": "docker.io/library/made:1", "org.opencontainers.image.ref.name": "1"},
        }],
    }).encode()
    yield "manifest.json", manifest("blobs/sha256/" + sha256(conf), ["blobs/sha256/" + sha256(layer) for layer in LAYERS])
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'


def containerd():
    """The same as docker's containerd store writes it, without manifest.json."""
    for name, content in hybrid():
        if name != "manifest.json":
            yield name, content


def old():
    """docker before 1.10: only repositories and the chain of json files."""
    for number, layer in enumerate(LAYERS, 1):
        value = {"id": str(number) * 64, "created": "2014-01-02T03:04:05Z", "os": "linux", "architecture": "amd64",
                 "container_config": {"Cmd": ["/bin/sh", "-c", "step %d" % number]}}
        if number > 1:
            value["parent"] = str(number - 1) * 64
            value["config"] = {"Cmd": ["/b.txt"], "Env": ["A=b"]}
        yield str(number) * 64 + "/json", json.dumps(value).encode()
        yield str(number) * 64 + "/layer.tar", layer
    yield "repositories", json.dumps({"made": {"1": "2" * 64}}).encode()


def buildx():
    """docker buildx: an index that leads to an index, of which one is for us, one an attestation, one for others."""
    conf = config()
    kind = "application/vnd.oci.image."
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[__import__("platform").machine()]
    layers = [{"mediaType": kind + "layer.v1.tar", "digest": "sha256:" + sha256(layer), "size": len(layer)} for layer in LAYERS]
    image = json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "layers": layers, "config": {
        "mediaType": kind + "config.v1+json", "digest": "sha256:" + sha256(conf), "size": len(conf)}}).encode()
    other = image.replace(b"config.v1", b"config.v2")
    inner = json.dumps({"schemaVersion": 2, "mediaType": kind + "index.v1+json", "manifests": [
        {"mediaType": kind + "manifest.v1+json", "digest": "sha256:" + sha256(data), "size": len(data),
         "platform": {"os": system, "architecture": arch}}
        for data, system, arch in [(other, "linux", "s390x"), (other, "unknown", "unknown"), (image, "linux", machine)]]}).encode()
    for blob in [conf, image, other, inner] + LAYERS:
        yield "blobs/sha256/" + sha256(blob), blob
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": kind + "index.v1+json", "digest": "sha256:" + sha256(inner), "size": len(inner),
         "annotations": {"org.opencontainers.image.ref.name": "made:1"}}]}).encode()
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'


def no_layers():
    """FROM scratch and nothing else."""
    conf = config(layers=[], history=[])
    yield "c.json", conf
    yield "manifest.json", manifest("c.json", [])


def foreign_platform():
    for name, content in buildx():
        if name == "index.json":
            index = json.loads(content)
            index["manifests"][0]["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
            index["manifests"][0]["platform"] = {"os": "linux", "architecture": "s390x"}
            content = json.dumps(index).encode()
        yield name, content


def lie():
    """The second layer is not what the configuration says."""
    for name, content in classic():
        yield name, LAYERS[0] if name.startswith("2" * 64) else content


def lost_layer():
    for name, content in classic():
        if not name == "2" * 64 + "/layer.tar":
            yield name, content


def wrong_config():
    """The configuration has another digest than its name says."""
    for name, content in classic():
        yield name, content + b" " if isinstance(name, str) and name.endswith("json") and len(name) > 64 and "/" not in name else content


def circle():
    """Links that lead to each other."""
    for name, content in classic():
        if name == "2" * 64 + "/layer.tar":
            yield link("2" * 64 + "/layer.tar", "../x"), None
            yield link("x", "2" * 64 + "/layer.tar"), None
        else:
            yield name, content


def escape():
    """A link out of the archive."""
    for name, content in classic():
        yield (link(name, "../../../../../../etc/passwd"), None) if name == "2" * 64 + "/layer.tar" else (name, content)


def bad_name():
    for name, content in classic():
        yield name, content.replace(b"made:1", b"../../x:1") if name == "manifest.json" else content


def too_few():
    conf = config()
    yield "l.tar", LAYERS[0]
    yield "c.json", conf
    yield "manifest.json", manifest("c.json", ["l.tar"])


def many_layers():
    conf = config(layers=LAYERS[:1] * 600)
    yield "l.tar", LAYERS[0]
    yield "c.json", conf
    yield "manifest.json", manifest("c.json", ["l.tar"] * 600)


def big_manifest():
    yield "manifest.json", b"[" + b" " * (5 << 20) + b"]"


def nothing():
    yield "readme", b"no image"


def truncated():
    return classic()


def main():
    kind, path = sys.argv[1:]
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in globals()[kind]():
            if content is None:
                tar.addfile(name)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    if kind == "truncated":
        with open(path, "r+b") as f:
            f.truncate(2600)
    if len(sys.argv) > 2 and kind in ("classic", "hybrid", "links"):
        print("sha256:" + sha256(config()))


main()
