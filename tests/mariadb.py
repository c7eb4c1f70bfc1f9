"""A private MariaDB for the tests, as FreePBX keeps its call records in: a server on a free port of loopback.

It runs without privilege tables: whoever connects may do everything, and nothing has to be installed first.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.patience import PATIENCE
from tests.ports import free_port
from tools.real_parts import mariadb_server


class MariaDb:
    """A running server. `create_database` gives URLs in the form of the config file."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = count(1)

    def url(self, database: str = "") -> str:
        return f"mysql://asterisk:lab@127.0.0.1:{self._port}/{database}"

    def database_name(self) -> str:
        """One that is not there yet."""
        return f"cdr_{next(self._numbers)}"


@contextmanager
def mariadb() -> Iterator[MariaDb]:
    """A server while the context lasts; its program must be installed."""
    program = mariadb_server()
    if program is None:
        raise FileNotFoundError("no MariaDB server program")
    folder = Path(tempfile.mkdtemp(prefix="zeoncrm-maria-"))
    try:
        (folder / "data").mkdir()
        with _running(program, folder) as port:
            yield MariaDb(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(program: Path, folder: Path) -> Iterator[int]:
    port = free_port()
    # Asterisk's words for columns (start, end) are quoted as the standard says.
    options = {
        "datadir": folder / "data", "socket": folder / "s", "pid-file": folder / "pid", "port": port,
        "bind-address": "127.0.0.1", "sql-mode": "ANSI_QUOTES", "innodb-flush-log-at-trx-commit": 0,
    }  # fmt: skip
    user = ["--user=root"] if os.geteuid() == 0 else []
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "--no-defaults", "--skip-grant-tables", "--skip-name-resolve", "--skip-log-bin", *user,
             *(f"--{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_for(server, port, folder / "log")
        yield port
    finally:
        server.kill()
        server.wait()


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:  # not listening yet: nothing to await but time
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"MariaDB does not start: {log.read_text(errors='replace')[-2000:]}")
