"""The weakened place of a control: no sandbox, but what the probes look for is there.

    python3 control.py PLAIN|JAIL USER PROBE NAME...

JAIL runs within `unshare` of mounts, processes and network, for what would harm the machine. Both
have a directory of the machine open, a socket where an attempt's init has its own.
"""

import os
import socket
import subprocess
import sys


def prepare_jail():
    for words in (["mount", "-t", "tmpfs", "x", ".reeve"],
                  ["mount", "--bind", "/etc", "/etc"],
                  ["mount", "-o", "remount,bind,ro", "/etc"],
                  ["ip", "link", "set", "lo", "up"],
                  ["ip", "address", "add", "169.254.169.254/32", "dev", "lo"]):
        subprocess.run(words, check=True)
    listener = socket.socket()
    listener.bind(("169.254.169.254", int(os.environ["ESCAPE_PORT"])))
    listener.listen()
    listener.set_inheritable(True)
    os.dup2(listener.fileno(), 22)


def main():
    kind, user, probe, *names = sys.argv[1:]
    if kind == "JAIL":
        prepare_jail()
    here, there = socket.socketpair()
    os.dup2(here.fileno(), 20)
    os.dup2(there.fileno(), 21)
    os.dup2(os.open("/etc", os.O_RDONLY | os.O_DIRECTORY), 9)
    os.dup2(20, 3)
    if user != "0":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    os.execv(probe, [probe, *names])


if __name__ == "__main__":
    main()
