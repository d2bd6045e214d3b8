"""
What several tests use: the root file system of a small image with busybox, made once a run, and that of a
Debian system, made once a day and only for files of tests with a header "# fixtures: debian".
"""

import io
import os
import shutil
import subprocess
import tarfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("CLOCHE_TEST_CACHE", f"/var/tmp/cloche-test-cache-{os.getuid()}")
DAY_S = 24 * 60 * 60

BUSYBOX_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/bin/false\n"
                  "app:x:1000:1000:App:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nbin:x:2:\nstaff:x:50:app\napp:x:1000:\nnogroup:x:65534:\n",
    "etc/os-release": "ID=busybox\n",
    "etc/hosts": "",
    "etc/resolv.conf": "",
}
BUSYBOX_FOLDERS = {"bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "home/app": 0o755, "proc": 0o755,
                   "root": 0o700, "sys": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "var": 0o755}


def add(tar, name, kind, mode, data=b"", link="", owner=0):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.size = kind, mode, link, len(data)
    info.mtime, info.uid, info.gid = 1_700_000_000, owner, owner
    tar.addfile(info, io.BytesIO(data))


def make_busybox(path, busybox):
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    with open(busybox, "rb") as f:
        program = f.read()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode in BUSYBOX_FOLDERS.items():
            add(tar, name, tarfile.DIRTYPE, mode, owner=1000 if name == "home/app" else 0)
        for name, text in BUSYBOX_FILES.items():
            add(tar, name, tarfile.REGTYPE, 0o644, text.encode())
        add(tar, "bin/busybox", tarfile.REGTYPE, 0o755, program)
        for applet in sorted(set(applets) - {"busybox"}):
            add(tar, f"bin/{applet}", tarfile.SYMTYPE, 0o777, link="busybox")


def make_debian(folder):
    """debian.tar in FOLDER; where it can't be made, debian.why says why."""
    os.makedirs(CACHE, mode=0o755, exist_ok=True)
    cached = os.path.join(CACHE, "debian.tar")
    if not os.path.exists(cached) or time.time() - os.path.getmtime(cached) > DAY_S:
        print("# making a Debian root file system, once a day", flush=True)
        made = subprocess.run([os.path.join(TOP, "tools", "debian-base.sh"), cached], capture_output=True, text=True,
                              check=False)
        if made.returncode != 0:
            with open(os.path.join(folder, "debian.why"), "w", encoding="utf-8") as f:
                f.write(made.stderr.strip().splitlines()[-1] if made.stderr.strip() else "mmdebstrap failed")
            return
    os.symlink(cached, os.path.join(folder, "debian.tar"))


def make_all(folder, wanted):
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    busybox = shutil.which("busybox", path="/usr/local/bin:/usr/bin:/bin")
    if busybox:
        make_busybox(os.path.join(folder, "busybox.tar"), busybox)
    if "debian" in wanted:
        make_debian(folder)
