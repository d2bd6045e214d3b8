"""Build: what a step costs, on a base of Debian's size."""

import os
import shutil

from lab import Contender, Goal
from rows_start import podman_base

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def make_base(lab):
    """The root file system to build on: Debian, or busybox where Debian can't be made or time is short."""
    cached = f"/var/tmp/cloche-test-cache-{os.getuid()}/debian.tar"
    if os.path.exists(cached):
        return cached
    if lab.quick:
        return lab.path("busybox.tar")
    works, said = lab.call([os.path.join(TOP, "tools", "debian-base.sh"), lab.path("debian.tar")])
    if works:
        return lab.path("debian.tar")
    lab.note(f"builds are on busybox, not on Debian: {said}")
    return lab.path("busybox.tar")


class Context:
    """A folder to build from. Its Dockerfile can be made to differ each time, so that no cache helps."""

    def __init__(self, lab, name, steps, files=0):
        self.folder, self.steps = lab.path("context-" + name), steps
        os.makedirs(os.path.join(self.folder, "files"))
        for number in range(files):
            with open(os.path.join(self.folder, "files", f"f{number}"), "w", encoding="utf-8") as f:
                f.write(f"file {number}\n" * 20)
        self.write(0)

    def write(self, number):
        with open(os.path.join(self.folder, "Dockerfile"), "w", encoding="utf-8") as f:
            f.write("FROM localhost/base\n" + self.steps.replace("@", str(number)))
        if "COPY" in self.steps and "@" in self.steps:
            with open(os.path.join(self.folder, "files", "f0"), "w", encoding="utf-8") as f:
                f.write(f"{number}\n")


def buildah_base(lab):
    return ["buildah", "--root", lab.path("podman"), "--runroot", lab.path("podman-run"), "--storage-driver", "overlay"]


def prepare_buildah(lab, base):
    if not lab.find("buildah") or not lab.find("podman"):
        lab.note("buildah: not installed (it needs podman here, to import the base)")
        return None
    works, said = lab.call(podman_base(lab) + ["import", base, "localhost/base"])
    if not works:
        lab.note(f"buildah: {said}")
        return None
    context = Context(lab, "probe", "RUN true\n").folder
    command = buildah_base(lab) + ["bud", "--isolation", "chroot", "--layers", "-t"]
    return command if lab.usable("buildah", [command + ["probe", context]]) else None


ROWS = (
    # name, steps ("@": differs each time), files in the context, goal in seconds
    ("all steps cached, 1,000 files", "COPY files /files\nRUN echo 1 >/one\nRUN echo 2 >/two\n", 1000, 0.02),
    ("RUN that writes one file", "RUN echo @ >/file\n", 0, 0.015),
    ("RUN that makes 10,000 files", "RUN mkdir /many && cd /many && seq -f %g-@ 10000 | xargs touch\n", 0, None),
    ("COPY of 1,000 files", "COPY files /copied-@\n", 1000, 0.03),
)


INSTALL_ROW = "install 35 MB of packages"
PACKAGES = ("libicu72", "vim-runtime", "git", "cpp-12", "perl-modules-5.36")
INSTALL = "dpkg --force-depends -i /debs/*.deb"


def download_packages(lab, folder):
    """Some 35 MB of packages into FOLDER; whether that worked."""
    os.makedirs(folder)
    works, said = lab.call(["apt-get", "download", "-q", *PACKAGES], cwd=folder)
    if not works:
        lab.note(f"install of packages: {said}")
    return works


def plain_chroot(lab, base, debs):
    """The same install in a chroot: what there is to compare a builder with. None where there can't be one."""
    root = lab.path("chroot")
    enter = [] if os.getuid() == 0 else ["unshare", "--map-root-user", "--map-auto"]

    def unpack(number):
        lab.call(enter + ["rm", "-rf", "--one-file-system", root])
        lab.call(enter + ["sh", "-c", f"mkdir {root} && tar -C {root} -xf {base} && cp -r {debs} {root}/debs && sync"])

    unpack(0)
    works, said = lab.call(enter + ["chroot", root, "true"])
    if not works:
        lab.note(f"plain chroot: {said}")
        return None
    return Contender("chroot", enter + ["chroot", root, "sh", "-c", INSTALL], unpack)


def measure_install(lab, base, buildah):
    if lab.quick or not lab.wants(INSTALL_ROW) or base.endswith("busybox.tar"):
        return
    context = Context(lab, "install", "COPY debs /debs\n")
    debs = os.path.join(context.folder, "debs")
    if not download_packages(lab, debs):
        return
    builders = [("cloche", lab.cloche + ["build", "-t"])] + ([("buildah", buildah)] if buildah else [])
    for _, command in builders:  # the packages' own layer is made beforehand: a chroot has them as well
        lab.call(command + ["bench", context.folder])
    context.steps += f"RUN {INSTALL} && echo @\n"
    ours, *peers = [Contender(name, command + ["bench", context.folder], context.write) for name, command in builders]
    chroot = plain_chroot(lab, base, debs)
    if chroot:
        peers.insert(0, chroot)
    # dpkg takes seconds, so there is no round to warm up.
    lab.row(INSTALL_ROW, [ours] + peers, Goal({"chroot": 1.15}), repetitions=2, seconds=8)


def measure(lab):
    if not any(lab.wants(row[0]) for row in ROWS + ((INSTALL_ROW,),)):
        return
    base = make_base(lab)
    works, said = lab.call(lab.cloche + ["import", base, "localhost/base"])
    if not works:
        lab.note(f"cloche import: {said}")
        lab.broken = True
        return
    buildah = prepare_buildah(lab, base)
    for number, (name, steps, files, seconds) in enumerate(ROWS):
        if not lab.wants(name):
            continue
        if base.endswith("busybox.tar"):
            steps = steps.replace("seq -f %g-@ 10000", "seq 10000")
        context = Context(lab, str(number), steps, files)
        ours = Contender("cloche", lab.cloche + ["build", "-t", "bench", context.folder], context.write)
        peers = [Contender("buildah", buildah + ["bench", context.folder], context.write)] if buildah else []
        goal = Goal({"buildah": 0.5}, seconds=seconds) if seconds is None else Goal(seconds=seconds)
        lab.row(name, [ours] + peers, goal, repetitions=3 if lab.quick else 7)
        shutil.rmtree(context.folder)
    measure_install(lab, base, buildah)
