"""The user-mode network: bytes out of a container, into it, to and fro, and through a published port, beside the loopback
(which is the most that can be had) and other programs that make such a network.

Each contender is a network namespace that stays for the row; what is timed is `netprobe` in it, which takes a millisecond to
get there.
"""

import contextlib
import os
import socket
import subprocess
import time

from lab import Contender, Goal

MIB = 256
TRIPS = 5000
# ANCHORS: 10 Gbit/s out, 18 in, 10 us there and back.
GOAL_OUT_S, GOAL_IN_S, GOAL_TRIPS_S = MIB * 8 / 1024 / 10 * 1.074, MIB * 8 / 1024 / 18 * 1.074, TRIPS * 10e-6

GATEWAY = "10.0.2.2"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def enter(pid):
    """The words before a command that is to run in the network of PID."""
    owns_user = os.stat(f"/proc/{pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino
    return ["nsenter", "-t", str(pid), "-n"] + (["-U", "--preserve-credentials"] if owns_user else [])


def ends(process):
    process.kill()
    process.wait()


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


class Networks:
    """The namespaces; all end with the stack."""

    def __init__(self, lab, stack):
        self.lab, self.stack = lab, stack
        self.probe = os.path.join(os.path.dirname(lab.cloche[0]), "tests", "netprobe")

    def start(self, command):
        with open(self.lab.path("net.err"), "w", encoding="utf-8") as said:
            process = subprocess.Popen(command, env=self.lab.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        self.stack.callback(ends, process)
        return process

    def note_failure(self, name):
        """What it said last; pasta says in between that nobody listens to its log."""
        with open(self.lab.path("net.err"), encoding="utf-8", errors="replace") as f:
            lines = [line.strip() for line in f if line.strip() and "syslog" not in line]
        self.lab.note(f"{name}: {lines[-1] if lines else 'makes no network here'}")

    def cloche(self, *options):
        """The pid of a container's first process."""
        name = f"net{len(options)}"
        said = self.lab.call(self.lab.cloche + ["run", "-d", "--name", name, "-v", os.path.dirname(self.probe) + ":/probe:ro",
                                                *options, "busybox", "/probe/netprobe", "load-serve", "5000"])
        if not said[0]:
            self.lab.note(f"cloche run -d, network: {said[1]}")
            self.lab.broken = True
            return None
        self.stack.callback(self.lab.call, self.lab.cloche + ["rm", "-f", name])
        pid = subprocess.run(self.lab.cloche + ["inspect", "-f", "{{.State.Pid}}", name], env=self.lab.env, capture_output=True,
                             text=True, check=True).stdout
        return int(pid)

    def bare(self):
        """A process in a network namespace without a network."""
        words = ["unshare", "-n"] + ([] if os.getuid() == 0 else ["-r"])
        process = self.start(words + ["sleep", "600"])
        own = os.stat("/proc/self/ns/net").st_ino
        until(lambda: os.stat(f"/proc/{process.pid}/ns/net").st_ino != own)
        return process.pid

    def has_interface(self, pid, name):
        said = subprocess.run(enter(pid) + ["cat", "/proc/net/dev", "/proc/net/route"], capture_output=True, text=True, check=False)
        return said.stdout.count(name) > 1

    def slirp4netns(self):
        if not self.lab.find("slirp4netns"):
            self.lab.note("slirp4netns: not installed")
            return None
        pid = self.bare()
        self.start(["slirp4netns", "--configure", "--mtu=65520", str(pid), "tap0"])
        if until(lambda: self.has_interface(pid, "tap0")):
            return pid
        self.note_failure("slirp4netns")
        return None

    def pasta(self):
        """The pid, and the address that is the host."""
        if not self.lab.find("pasta"):
            self.lab.note("pasta: not installed")
            return None, None
        pid = self.bare()
        words = ["--runas", "0", "--netns-only"] if os.getuid() == 0 else []
        self.start(["pasta", "-f", "--config-net", "-t", "none", "-u", "none", "-T", "none", "-U", "none", *words, str(pid)])
        routes = enter(pid) + ["ip", "-4", "route", "show", "default"]
        found = []

        def has_route():
            said = subprocess.run(routes, capture_output=True, text=True, check=False).stdout.split()
            found.extend(said[2:3])
            return bool(found)

        if until(has_route):
            return pid, found[0]
        self.note_failure("pasta")
        return None, None


def measure(lab):
    rows = {"network: 256 MiB out": ("push", MIB, GOAL_OUT_S), "network: 256 MiB in": ("pull", MIB, GOAL_IN_S),
            "network: 5,000 round trips": ("trips", TRIPS, GOAL_TRIPS_S)}
    published = f"published port: {MIB} MiB in"
    if not any(lab.wants(name) for name in [*rows, published]):
        return
    with contextlib.ExitStack() as stack:
        nets = Networks(lab, stack)
        ours = nets.cloche("--network", "private:host-loopback")
        if not ours:
            return
        places = [("cloche", enter(ours), GATEWAY)]
        slirp = nets.slirp4netns()
        if slirp:
            places.append(("slirp4netns", enter(slirp), GATEWAY))
        pasta, host = nets.pasta()
        if pasta:
            places.append(("pasta", enter(pasta), host))
        places.append(("loopback", [], "127.0.0.1"))
        for name, (what, count, goal) in rows.items():
            if lab.wants(name):
                port = str(free_port())
                server = nets.start([nets.probe, "load-serve", port])
                lab.row(name, [Contender(n, words + [nets.probe, what, to, port, str(count)]) for n, words, to in places],
                        Goal(seconds=goal), repetitions=3 if lab.quick else 7, seconds=15)
                ends(server)
        if lab.wants(published):
            measure_published(lab, nets, published)


def measure_published(lab, nets, name):
    port, bare = str(free_port()), str(free_port())
    if not nets.cloche("--network", "private", "-p", f"127.0.0.1:{port}:5000"):
        return
    nets.start([nets.probe, "load-serve", bare])
    lab.row(name, [Contender(n, [nets.probe, "push", "127.0.0.1", p, str(MIB)]) for n, p in (("cloche", port), ("loopback", bare))],
            Goal(ratios={"loopback": 1.1}), repetitions=3 if lab.quick else 7, seconds=15)
