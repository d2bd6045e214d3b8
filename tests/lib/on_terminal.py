#!/usr/bin/env python3
"""Runs a command on a new terminal and plays a script on it:

    on_terminal.py ROWS COLUMNS STEP... -- COMMAND...

Steps: expect:REGEX waits until the output since the last match has it; type:TEXT (with Python's escapes); size:ROWSxCOLUMNS;
signal:NAME to the command. Afterwards waits for the end, prints all output, says "mode changed" if the terminal is not as
it was, and exits as the command did. At most 30 seconds, or $ON_TERMINAL_SECONDS.
"""
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Play:
    def __init__(self, rows, columns, command):
        self.master, self.slave = os.openpty()
        set_size(self.slave, rows, columns)
        self.mode = termios.tcgetattr(self.slave)
        self.output, self.seen, self.end = "", 0, time.monotonic() + float(os.environ.get("ON_TERMINAL_SECONDS", "30"))
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.login_tty(self.slave) if hasattr(os, "login_tty") else self.take_terminal()
            os.execvp(command[0], command)

    def take_terminal(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(self.slave, fd)

    def read(self):
        """More output; False after a second without any."""
        if time.monotonic() > self.end:
            print(self.output)
            sys.exit("timeout")
        if not select.select([self.master], [], [], 0.05)[0]:
            return False
        self.output += os.read(self.master, 65536).decode(errors="replace")
        return True

    def step(self, kind, text):
        if kind == "expect":
            while not (match := re.search(text, self.output[self.seen:])):
                self.read()
            self.seen += match.end()
        elif kind == "type":
            os.write(self.master, text.encode().decode("unicode_escape").encode("latin-1"))
        elif kind == "size":
            set_size(self.slave, *map(int, text.split("x")))
        elif kind == "signal":
            os.kill(self.pid, getattr(signal, text))
        else:
            sys.exit(f"no step '{kind}'")

    def finish(self):
        status = None
        while status is None:
            self.read()
            pid, wait_status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                status = os.waitstatus_to_exitcode(wait_status)
        while self.read():
            pass
        print(self.output)
        if termios.tcgetattr(self.slave) != self.mode:
            print("mode changed")
        return status if status >= 0 else 128 - status


def main():
    split = sys.argv.index("--")
    play = Play(int(sys.argv[1]), int(sys.argv[2]), sys.argv[split + 1:])
    for step in sys.argv[3:split]:
        play.step(*step.split(":", 1))
    sys.exit(play.finish())


main()
