"""Move: an image with two layers into the store and out of it, and its files into a folder."""

import os
import shutil
import subprocess
import tarfile

from lab import Contender, Goal
from rows_build import make_base
from rows_start import podman_base

# Figures in the goals are for an image of 385 MB; they are scaled to the size that is there.
GOAL_BYTES = 385e6
LOADS = (("load docker-archive", "docker.tar", 0.6), ("load oci-archive (gzip)", "oci.tar", 1.0))
SAVES = (("docker-archive", 0.3), ("oci-archive", 0.9))
UNPACK = "unpack an OCI layout"
SECOND_LAYER_BYTES = 250e6


def make_second_layer(lab, path):
    """Programs and libraries of this machine: what layers are made of."""
    size = 0
    wanted = SECOND_LAYER_BYTES / (10 if lab.quick else 1)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for root, _, files in sorted(os.walk("/usr/lib")):
            for name in sorted(files):
                full = os.path.join(root, name)
                if os.path.islink(full) or not os.access(full, os.R_OK) or not os.path.isfile(full):
                    continue
                tar.add(full, recursive=False)
                size += os.path.getsize(full)
                if size > wanted:
                    return


def make_image(lab):
    """The image "bench-move" in our store and its archives; the size of its layers, or None."""
    context = lab.path("context-move")
    os.mkdir(context)
    make_second_layer(lab, os.path.join(context, "layer.tar"))
    with open(os.path.join(context, "Dockerfile"), "w", encoding="utf-8") as f:
        f.write("FROM localhost/move-base\nADD layer.tar /opt\n")
    base = make_base(lab)
    size = os.path.getsize(base) + os.path.getsize(os.path.join(context, "layer.tar"))
    for command in (["import", base, "localhost/move-base"], ["build", "-q", "-t", "localhost/bench-move", context],
                    ["save", "-o", lab.path("docker.tar"), "localhost/bench-move"],
                    ["save", "--format", "oci-archive", "-o", lab.path("oci.tar"), "localhost/bench-move"]):
        works, said = lab.call(lab.cloche + command)
        if not works:
            lab.note(f"cloche {command[0]}: {said}")
            lab.broken = True
            return None
    shutil.rmtree(context)
    return size


def remove_tree(lab, path):
    if os.path.isdir(path):
        subprocess.run(["chmod", "-Rf", "u+rwX", path], check=False)
        if os.getuid() != 0:
            subprocess.run(["unshare", "--map-root-user", "--map-auto", "rm", "-rf", "--one-file-system", path],
                           env=lab.env, check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(path, ignore_errors=True)


def fresh_cloche(lab):
    """Our command with a store of its own, and what empties that before each repetition."""
    store = lab.path("store-load")
    return [lab.cloche[0], "--root", store, "--runroot", os.path.join(lab.live, "load")], lambda number: remove_tree(lab, store)


def podman_forget(lab):
    return lambda number: lab.call(podman_base(lab) + ["rmi", "-f", "localhost/bench-move:latest"])


def load_rows(lab, scale, repetitions):
    command, empty = fresh_cloche(lab)
    podman = podman_base(lab) if lab.find("podman") else None
    for name, archive, seconds in LOADS:
        if not lab.wants(name):
            continue
        contenders = [Contender("cloche", command + ["load", "-i", lab.path(archive)], empty)]
        if podman:
            contenders.append(Contender("podman", podman + ["load", "-q", "-i", lab.path(archive)], podman_forget(lab)))
        lab.row(name, contenders, Goal(seconds=seconds * scale, peak_kib=16384), repetitions)


def save_rows(lab, scale, repetitions):
    out = lab.path("saved.tar")

    def forget(number):
        if os.path.exists(out):
            os.unlink(out)

    podman = podman_base(lab) if lab.find("podman") else None
    for kind, seconds in SAVES:
        if not lab.wants("save " + kind):
            continue
        ours = lab.cloche + ["save", "--format", kind, "-o", out, "localhost/bench-move"]
        contenders = [Contender("cloche", ours, forget)]
        if podman:
            theirs = podman + ["save", "-q", "--format", kind, "-o", out, "localhost/bench-move:latest"]
            contenders.append(Contender("podman", theirs, forget))
        lab.row("save " + kind, contenders, Goal(seconds=seconds * scale, peak_kib=16384), repetitions)


def unpack_rows(lab, scale, repetitions):
    """An OCI layout into a bundle, by both; and into our store."""
    if not lab.find("umoci") or not lab.find("skopeo"):
        lab.note("umoci, with skopeo to make its layout: not installed")
        return
    layout, bundle = lab.path("layout"), lab.path("bundle-umoci")
    works, said = lab.call(["skopeo", "--insecure-policy", "copy", f"oci-archive:{lab.path('oci.tar')}",
                            f"oci:{layout}:latest"])
    if not works:
        lab.note(f"skopeo: {said}")
        return
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    theirs = ["umoci", "unpack", *rootless, "--image", f"{layout}:latest", bundle]
    command, empty = fresh_cloche(lab)
    ours = lab.path("bundle-cloche")
    lab.row(UNPACK, [
        Contender("cloche", command + ["unpack", "-q", f"oci:{layout}:latest", ours], lambda number: remove_tree(lab, ours)),
        Contender("cloche load", command + ["load", "-i", layout], empty),
        Contender("umoci", theirs, lambda number: remove_tree(lab, bundle)),
    ], Goal(seconds=0.8 * scale, peak_kib=16384), repetitions)


def measure(lab):
    names = [name for name, _, _ in LOADS] + ["save " + kind for kind, _ in SAVES] + [UNPACK]
    if not any(lab.wants(name) for name in names):
        return
    size = make_image(lab)
    if size is None:
        return
    scale = size / GOAL_BYTES
    repetitions = 2 if lab.quick else 3
    load_rows(lab, scale, repetitions)
    save_rows(lab, scale, repetitions)
    if lab.wants(UNPACK):
        unpack_rows(lab, scale, repetitions)
