"""A port that is free now, and stays so, for a server of a test."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

LOWEST = 10_000  # below are those of well-known services
MEDIA = 20_000  # from here on are those that the labs' Asterisks take for media as calls come (rtp.conf)
TRIED = 100
# Not the module's own generator: tests that run side by side and seed it alike would be given the same ports.
_CHANCE = random.SystemRandom()


def free_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """One of the host's that nobody uses at the moment.

    None of those that the kernel gives to outgoing connections: one of these could take the port of a server that is
    stopped for a while, and who looks whether it is back could even reach themselves.
    """
    for port in (*_CHANCE.sample(UNTOUCHED, min(TRIED, len(UNTOUCHED))), 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError(f"{host} has no free port")


def untouched() -> range:
    """This worker's of the ports that the kernel gives to nobody: none where it has been told to give all."""
    try:
        first = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0]
    except FileNotFoundError:  # not Linux
        return range(0)
    # As pytest-xdist names those that run tests side by side: a port that one found free no other may take meanwhile.
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    return range(LOWEST, min(int(first), MEDIA))[int(worker.removeprefix("gw")) :: int(workers)]


UNTOUCHED = untouched()
