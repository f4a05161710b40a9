"""A machine of its own for tests of egress: this process's network and mounts are private, with a
link to a second network in which servers answer, a metadata service among them.

    python3 egress_place.py serve     the servers, within the second network
    python3 egress_place.py TARGET... what can be reached, a line each; run by tasks, too
"""

import os
import pathlib
import select
import socket
import subprocess
import sys
import threading

HERE, THERE, OTHER = "198.51.100.1", "198.51.100.2", "198.51.100.3"
HERE_V6, THERE_V6 = "fd77::1", "fd77::2"
METADATA = "169.254.169.254"
TCP_PORTS = (80, 443, 8000, 8001, 8002, 53)
ECHO_PORT, SILENT_PORT = 123, 53
INSIDE = "EGRESS_PLACE"
PATIENCE = 3


def enter():
    """Starts this program again in namespaces of its own, once."""
    if os.environ.get(INSIDE):
        return
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private",
                          sys.executable, *sys.argv])


def sh(*words):
    subprocess.run(words, check=True)


def flags(address):
    """Of version 6: used at once, without asking the neighbours."""
    return ("nodad",) if ":" in address else ()


class Servers:
    """The second network: lives as long as its process."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["unshare", "--net", sys.executable, __file__, "serve"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "here", "type", "veth", "peer", "there", "netns",
           str(self.process.pid))
        for address in (f"{HERE}/24", f"{HERE_V6}/64"):
            sh("ip", "address", "add", address, "dev", "here", *flags(address))
        sh("ip", "link", "set", "here", "up")
        sh("ip", "route", "add", METADATA, "dev", "here")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def close(self):
        self.process.kill()
        self.process.communicate()


def listen(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    return listener


def answer_all(listeners, echo=None):
    while True:
        ready, _, _ = select.select([*listeners, *([echo] if echo else [])], [], [])
        for one in ready:
            if one is echo:
                data, whom = echo.recvfrom(1500)
                echo.sendto(b"echo " + data, whom)
                continue
            connection, _ = one.accept()
            host, port, *_ = connection.getsockname()
            connection.sendall(f"{host} {port}".encode())
            connection.close()


def serve():
    print("up", flush=True)
    sys.stdin.readline()
    sh("ip", "link", "set", "lo", "up")
    for address in (f"{THERE}/24", f"{OTHER}/24", f"{METADATA}/32", f"{THERE_V6}/64"):
        sh("ip", "address", "add", address, "dev", "there", *flags(address))
    sh("ip", "link", "set", "there", "up")
    listeners = [listen(address, port) for address in (THERE, OTHER, METADATA, THERE_V6)
                 for port in TCP_PORTS]
    datagrams = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    datagrams[0].bind((THERE, ECHO_PORT))
    datagrams[1].bind((THERE, SILENT_PORT))
    print("serving", flush=True)
    answer_all(listeners, datagrams[0])


def answer_here():
    """Servers of the machine itself: on its address, and on its loopback."""
    listeners = [listen(address, port) for address in (HERE, "127.0.0.1", HERE_V6)
                 for port in (80, 8080)]
    threading.Thread(target=answer_all, args=(listeners,), daemon=True).start()
    return listeners


def try_tcp(host, port):
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        return connection.recv(100).decode()


def try_udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE)
        sender.connect((host, int(port)))
        sender.send(b"hello")
        return sender.recv(100).decode()


def try_unix(name, _):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + name)
        return "connected"


def try_name(host, _):
    found = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    return " ".join(address[0] for *_, address in found)


def try_ping(host, _):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sender:
        sender.settimeout(PATIENCE)
        sender.sendto(b"\x08\0\xf7\xff\0\0\0\0", (host, 0))
        return f"{len(sender.recv(100))} bytes"


KINDS = {"tcp": try_tcp, "udp": try_udp, "unix": try_unix, "name": try_name, "ping": try_ping}


def reach(target):
    """("yes", what it said) or ("no", why)."""
    kind, rest = target.split("/", 1)
    host, _, port = rest.rpartition("/") if kind in ("tcp", "udp") else (rest, "", "")
    try:
        return "yes", KINDS[kind](host, port)
    except OSError as error:
        return "no", str(error)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    for wanted in sys.argv[1:]:
        print(wanted, *reach(wanted), flush=True)
