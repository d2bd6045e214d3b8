"""What the emulation of ids costs: the same work in a container with one id mapped, beside one with a range of ids.

The range's contender needs a user who has one: started by root, the row runs both as the users that tests/run makes. What
the start of a container takes is in both. The Debian base with gcc and make is made once a day (a minute at rest), or is the file
DEBIAN_TAR; the rows themselves take less than a minute.
"""

import os
import pwd
import stat
import subprocess
import time

from lab import Contender, Goal

# Of docs/id-emulation.md: measured with a prototype, on a machine whose switches between processes are eight times cheaper.
WORK = (
    ("find", "find / -xdev >/dev/null", 2.5),
    ("find -user", "find / -xdev -user 33 >/dev/null", 3.5),
    ("tar of /usr/share", "tar cf /dev/null /usr/share 2>/dev/null", 1.9),
    ("tar x of 2,000 files", "dpkg-deb --fsys-tarfile /bench/pkg.deb | tar x -C /tmp", 1.9),
    ("200 fork+exec", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done", 1.15),
    ("dpkg -i of 41 MB", "dpkg -i /bench/pkg.deb >/dev/null", 1.35),
    ("make, one at a time", "cd /tmp && make -s -f /bench/Makefile", 1.08),
    ("make -j2", "cd /tmp && make -s -j2 -f /bench/Makefile", 1.08),
)

MAKEFILE = """N := $(shell seq 1 12)
all: $(N:%=%.o)
\t@:
%.o:
\t@gcc -O1 -c -o $@ /bench/a.c
"""

SOURCE = """#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
int main(int argc, char **argv)
{
	struct stat st;
	return argc > 1 && stat(argv[1], &st) == 0 ? puts(argv[1]) : 0;
}
"""

ROW_SECONDS = 5
BASE_AGE_S = 24 * 3600

PACKAGE_FILES, PACKAGE_FILE_SIZE = 2000, 20 * 1024


def make_work(lab):
    """The folder that the container sees as /bench: a program to compile, and a package to install."""
    folder = lab.path("ids-work")
    package = os.path.join(folder, "package")
    for sub in ("DEBIAN", "usr/share/bench"):
        os.makedirs(os.path.join(package, sub))
    files = {"Makefile": MAKEFILE, "a.c": SOURCE,
             "package/DEBIAN/control": "Package: bench\nVersion: 1\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: x\n"}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text)
    for number in range(PACKAGE_FILES):
        with open(os.path.join(package, "usr/share/bench", str(number)), "wb") as f:
            f.write(os.urandom(PACKAGE_FILE_SIZE))
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", package, os.path.join(folder, "pkg.deb")], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return folder


def base_path(lab):
    """Where the base is kept: in a folder that is ours alone, else only for this run."""
    folder = f"/var/tmp/cloche-bench-cache-{os.getuid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return lab.path("ids-base.tar")
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    return os.path.join(folder, "ids-base.tar") if is_ours else lab.path("ids-base.tar")


def make_base(lab):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/debian-base.sh")
    base = base_path(lab)
    if os.path.exists(base) and time.time() - os.stat(base).st_mtime < BASE_AGE_S:
        return base
    works, said = lab.call([script, base, "--include=gcc,libc6-dev,make"])
    if not works:
        lab.note(f"ids: no Debian base: {said}")
        return None
    return base


def user_command(lab, user, tar, folder):
    """The beginning of cloche's command line as USER with a store of its own."""
    home = lab.path(f"ids-{user}")
    os.mkdir(home)
    entry = pwd.getpwnam(user)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    command = ["setpriv", f"--reuid={user}", f"--regid={entry.pw_gid}", "--init-groups", "env", f"HOME={home}",
            f"XDG_RUNTIME_DIR={home}", lab.cloche[0], "--root", home + "/root", "--runroot", home + "/run"]
    with open(tar, "rb") as base:  # which the user may not be able to open
        done = subprocess.run(command + ["import", "-", "base"], stdin=base, capture_output=True, text=True, check=False)
    works, said = done.returncode == 0, done.stderr.strip()
    if not works:
        lab.note(f"cloche import as {user}: {said}")
        return None
    return command + ["run", "--rm", "--network", "none", "-v", f"{folder}:/bench:ro", "base", "sh", "-ec"]


def measure(lab):
    if not any(lab.wants("ids: " + name) for name, _, _ in WORK):
        return
    if os.getuid() != 0:
        lab.note("ids: needs root, to be a user with and one without a range of ids")
        return
    for user in ("cloche-nosub", "cloche-sub"):
        try:
            pwd.getpwnam(user)
        except KeyError:
            lab.note(f"ids: no user {user} (tests/run makes them)")
            return
    base = os.environ.get("DEBIAN_TAR") or make_base(lab)
    if not base:
        return
    folder = make_work(lab)
    single, many = (user_command(lab, user, base, folder) for user in ("cloche-nosub", "cloche-sub"))
    if not single or not many:
        return
    for name, work, ratio in WORK:
        if lab.wants("ids: " + name):
            lab.row("ids: " + name, [Contender("one id", single + [work]), Contender("range", many + [work])],
                    Goal({"range": ratio}), repetitions=3 if lab.quick else 7, seconds=ROW_SECONDS)
