"""As whom the tests run: root, an ordinary user without subordinate ids, one with a range of them."""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMES = {"nosubids": "cloche-nosub", "subids": "cloche-sub"}
SUBID_COUNT = 65536


def has_subids(name):
    try:
        with open("/etc/subuid", encoding="utf-8") as f:
            listed = any(line.split(":")[0] in (name, str(os.getuid())) for line in f)
    except OSError:
        return False
    return listed and bool(shutil.which("newuidmap", path=PATH))


def kinds_available():
    if os.getuid() == 0:
        return ["root", "nosubids", "subids"] if shutil.which("newuidmap", path=PATH) else ["root", "nosubids"]
    return ["subids" if has_subids(pwd.getpwuid(os.getuid()).pw_name) else "nosubids"]


def free_range():
    """The start of a range of subordinate ids that nobody has."""
    end = 100000
    for path in ("/etc/subuid", "/etc/subgid"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                for line in f:
                    fields = line.strip().split(":")
                    if len(fields) == 3:
                        end = max(end, int(fields[1]) + int(fields[2]))
    return end


def make(kind):
    name = NAMES[kind]
    # -K SUB_*_COUNT=0: useradd would give everybody a range.
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", "-K", "SUB_UID_COUNT=0",
                    "-K", "SUB_GID_COUNT=0", name], check=True)
    if kind == "subids":
        start = free_range()
        ids = f"{start}-{start + SUBID_COUNT - 1}"
        subprocess.run(["usermod", "--add-subuids", ids, "--add-subgids", ids, name], check=True)


def get(kind):
    """The user to switch to, made if missing; None where no switch is needed."""
    if os.getuid() != 0 or kind == "root":
        return None
    try:
        return pwd.getpwnam(NAMES[kind])
    except KeyError:
        pass
    with open("/etc/passwd", encoding="utf-8") as lock:  # of two runs at once, one makes the user
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            pwd.getpwnam(NAMES[kind])
        except KeyError:
            make(kind)
    return pwd.getpwnam(NAMES[kind])


def belongs(pid, mark):
    """Whether process PID was started by the test of folder MARK, or is a container on its store."""
    for name in ("environ", "mountinfo"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f:
                if mark in f.read():
                    return True
        except OSError:
            pass
    return False


def find_processes(folder):
    mark = (folder + "/").encode()
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid() and belongs(p, mark)]


def describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f"{pid} ({f.read().replace(bytes(1), b' ').decode(errors='replace').strip()})"
    except OSError:
        return str(pid)


def end_leftovers(folder, patience_s=2.0):
    """
    Processes of a test that outlive it, after a moment to end by themselves, are killed. Returns who they
    were, as text; empty if there were none.
    """
    deadline = time.monotonic() + patience_s
    left = find_processes(folder)
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = find_processes(folder)
    names = ", ".join(describe(p) for p in left)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return names


def remove_folder(folder, kind):
    """Removes a test's folder; returns what is wrong if something was still mounted in it."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        mounts = [line.split()[4] for line in f if f" {folder}/" in line]
    if mounts:
        return f"left mounted: {' '.join(mounts)} (the folder is not removed)\n"
    command = ["rm", "-rf", "--one-file-system", folder]
    if os.getuid() != 0:
        subprocess.run(["chmod", "-Rf", "u+rwX", folder], check=False, stderr=subprocess.DEVNULL)
        if kind == "subids":
            command = ["unshare", "--map-root-user", "--map-auto"] + command
    subprocess.run(command, check=False)
    return ""
