"""A private PostgreSQL for the tests: a cluster in a temporary folder, reached by its Unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from tools.real_parts import postgres_bin

SUPERUSER = "zeoncrm"
# Nothing here outlives the tests, so nothing has to survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


class PostgresCluster:
    """A running cluster. `create_database` gives URLs in the form of the config file."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._numbers = count(1)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql:///{database}?{urlencode({'host': self._folder, 'user': SUPERUSER}, safe='/')}"

    @property
    def socket(self) -> Path:
        """Where it is reached."""
        return self._folder / ".s.PGSQL.5432"

    def create_database(self, template: str = "template0") -> str:
        """A fresh database's URL; a copy of `template` (a database's name), which nobody may be connected to."""
        name = f"test_{next(self._numbers)}"
        self._run("createdb", f"--template={template}", *self._connection(), name)
        return self.url(name)

    def make_lasting(self, url: str) -> None:
        """Let what is committed in this database from now on outlive `stop`."""
        name = database_name(url)
        statement = f"ALTER DATABASE {name} SET synchronous_commit = on"
        self._run("psql", *self._connection(), "--quiet", f"--command={statement}", "postgres")

    def drop_database(self, url: str) -> None:
        """Drop what `create_database` gave, whoever is still connected."""
        self._run("dropdb", "--force", *self._connection(), database_name(url))

    def _connection(self) -> list[str]:
        return [f"--host={self._folder}", f"--username={SUPERUSER}"]

    def start(self) -> None:
        self._run(
            "initdb",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            f"--username={SUPERUSER}",
            f"--pgdata={self._folder / 'data'}",
        )
        self.resume()

    def resume(self) -> None:
        """Start the server (again)."""
        options = " ".join(f"-c {key}='{value}'" for key, value in SETTINGS.items())
        self._pg_ctl("start", f"--log={self._folder / 'log'}", "-o", f"-k {self._folder} {options}")

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        self._pg_ctl("stop", "--mode=immediate")

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "--wait", "--silent", f"--pgdata={self._folder / 'data'}", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=server_user(),
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )


def database_name(url: str) -> str:
    return url.partition("///")[2].partition("?")[0]


def server_user() -> str | None:
    """The server refuses to run as root: then it runs as the user that Debian's package made for it."""
    return "postgres" if os.geteuid() == 0 else None


@contextmanager
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A cluster while the context lasts; the server programs must be installed."""
    programs = postgres_bin()
    if programs is None:
        raise FileNotFoundError("no PostgreSQL server programs")
    # Not below pytest's folder: that is closed to other users, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="zeoncrm-pg-"))
    try:
        if user := server_user():
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        cluster = PostgresCluster(programs, folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
