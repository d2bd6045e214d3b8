"""Registries: an image to docker-registry on loopback, out of it, and across it."""

import os
import shutil
import socket
import subprocess
import time

from lab import Contender, Goal
from rows_move import GOAL_BYTES, fresh_cloche, make_image, podman_forget, remove_tree
from rows_start import podman_base

PUSH, PUSH_AGAIN = "push to an empty registry", "push what is there"
PULL, PULL_AGAIN = "pull into a new store", "pull what is there"
COPY_OUT, COPY_ACROSS = "copy from a registry to a folder", "copy from registry to registry"
ROWS = (PUSH, PUSH_AGAIN, PULL, PULL_AGAIN, COPY_OUT, COPY_ACROSS)
IMAGE = "localhost/bench-move"


class Registry:
    """docker-registry with a folder of its own, which `empty` renews while it runs."""

    def __init__(self, lab, name):
        self.lab, self.folder = lab, lab.path(name)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{s.getsockname()[1]}"
        config = lab.path(name + ".yml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                    f"storage: {{filesystem: {{rootdirectory: {self.folder}}}}}\nhttp: {{addr: '{self.host}'}}\n")
        self.process = subprocess.Popen([lab.find("docker-registry"), "serve", config], env=lab.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self):
        host, port = self.host.split(":")
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def empty(self, number=0):
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        self.process.terminate()
        self.process.wait()


def contenders(pairs):
    return [Contender(name, command, prepare) for name, command, prepare in pairs if command]


def skopeo(lab, *words):
    return ["skopeo", "--insecure-policy", "copy", "-q", *words] if lab.find("skopeo") else None


def podman(lab, *words):
    return podman_base(lab) + list(words) if lab.find("podman") else None


def push_rows(lab, registry, scale, repetitions):
    name = f"{registry.host}/bench/move:1"
    ours = lab.cloche + ["push", "-q", "--tls-verify=false", IMAGE, name]
    podmans = podman(lab, "push", "-q", "--tls-verify=false", IMAGE, name)
    skopeos = skopeo(lab, "--dest-tls-verify=false", f"oci-archive:{lab.path('oci.tar')}", f"docker://{name}")
    if podmans:
        lab.call(podman_base(lab) + ["load", "-q", "-i", lab.path("oci.tar")])
    for row, prepare, seconds in ((PUSH, registry.empty, 0.9 * scale), (PUSH_AGAIN, None, 0.02)):
        if lab.wants(row):
            lab.row(row, contenders([("cloche", ours, prepare), ("podman", podmans, prepare), ("skopeo", skopeos, prepare)]),
                    Goal(seconds=seconds, peak_kib=16384), repetitions)
    if podmans:
        podman_forget(lab)(0)


def pull_rows(lab, registry, scale, repetitions):
    name = f"{registry.host}/bench/move:1"
    command, empty = fresh_cloche(lab)
    ours = command + ["pull", "-q", "--tls-verify=false", name]
    podmans = podman(lab, "pull", "-q", "--tls-verify=false", name)

    def forget(number):
        lab.call(podman_base(lab) + ["rmi", "-f", name])

    if lab.wants(PULL):
        lab.row(PULL, contenders([("cloche", ours, empty), ("podman", podmans, forget)]),
                Goal(seconds=1.2 * scale, peak_kib=16384), repetitions)
    if lab.wants(PULL_AGAIN):
        lab.row(PULL_AGAIN, contenders([("cloche", ours, None), ("podman", podmans, None)]),
                Goal(seconds=0.02, peak_kib=16384), repetitions)


def copy_rows(lab, registry, other, repetitions):
    source, out = f"docker://{registry.host}/bench/move:1", lab.path("copied")
    if lab.wants(COPY_OUT):
        lab.row(COPY_OUT, contenders([
            ("cloche", lab.cloche + ["copy", "-q", "--src-tls-verify=false", source, f"dir:{out}"],
             lambda number: remove_tree(lab, out)),
            ("skopeo", skopeo(lab, "--src-tls-verify=false", source, f"dir:{out}"), lambda number: remove_tree(lab, out)),
        ]), Goal(ratios={"skopeo": 1}, peak_kib=16384), repetitions)
    if lab.wants(COPY_ACROSS):
        dest = f"docker://{other.host}/bench/move:1"
        lab.row(COPY_ACROSS, contenders([
            ("cloche", lab.cloche + ["copy", "-q", "--tls-verify=false", source, dest], other.empty),
            ("skopeo", skopeo(lab, "--src-tls-verify=false", "--dest-tls-verify=false", source, dest), other.empty),
        ]), Goal(ratios={"skopeo": 1}, peak_kib=16384), repetitions)


def measure(lab):
    if not any(lab.wants(row) for row in ROWS):
        return
    if not lab.find("docker-registry"):
        lab.note("rows of registries: docker-registry is not installed")
        return
    size = os.path.getsize(lab.path("docker.tar")) if os.path.exists(lab.path("docker.tar")) else make_image(lab)
    if size is None:
        return
    registry, other = Registry(lab, "registry"), Registry(lab, "other-registry")
    try:
        if not registry.wait() or not other.wait():
            lab.note("rows of registries: docker-registry doesn't start")
            return
        repetitions = 2 if lab.quick else 3
        push_rows(lab, registry, size / GOAL_BYTES, repetitions)
        # What the rows below read, also where only they are wanted.
        lab.call(lab.cloche + ["push", "-q", "--tls-verify=false", IMAGE, f"{registry.host}/bench/move:1"])
        pull_rows(lab, registry, size / GOAL_BYTES, repetitions)
        copy_rows(lab, registry, other, repetitions)
    finally:
        registry.end()
        other.end()
