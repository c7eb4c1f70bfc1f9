"""The real daemon as a process of its own: configured, started, asked through its API, stopped or killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.patience import PATIENCE

SECRET = "a secret of the test"


def environment(database_url: str, ami_port: int | None) -> dict[str, str]:
    """What configures the daemon, with no file at all."""
    given = {"ZEONCRM_DATABASE__URL": database_url, "ZEONCRM_WEB__PORT": "0", "ZEONCRM_LOG__FORMAT": "json"}
    if ami_port is not None:
        given |= {
            "ZEONCRM_PBX__PORT": str(ami_port),
            "ZEONCRM_PBX__USERNAME": "zeoncrm",
            "ZEONCRM_PBX__SECRET": SECRET,
        }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ZEONCRM_") or "__" not in key}
    return kept | given


async def command(environ: dict[str, str], *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
    """Run `zeoncrm ARGUMENTS` to its end and give what it printed; it must succeed."""
    code, printed, errors = await attempt(environ, *arguments, stdin=stdin, cwd=cwd)
    assert code == 0, errors
    return printed


async def attempt(
    environ: dict[str, str], *arguments: str, stdin: str = "", cwd: Path | None = None
) -> tuple[int, str, str]:
    """Run `zeoncrm ARGUMENTS` to its end: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "zeoncrm",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=cwd,
    )
    output, errors = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


def on_terminal(environ: dict[str, str], arguments: Sequence[str], lines: Sequence[str]) -> tuple[int, str]:
    """Run `zeoncrm ARGUMENTS` on a terminal, giving a line at each prompt: exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zeoncrm", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,  # without a terminal of its own, so that the prompt goes to the one given here
    )
    os.close(theirs)
    shown = ""
    waiting = list(lines)
    with os.fdopen(ours, "rb+", buffering=0) as terminal, contextlib.suppress(OSError):  # EIO: they have ended
        while piece := terminal.read(1024):
            shown += piece.decode()
            if shown.endswith(": ") and waiting:
                terminal.write(f"{waiting.pop(0)}\n".encode())
    return process.wait(), shown


class DaemonProcess:
    """`zeoncrm serve`, with a way to its API."""

    def __init__(self, environ: dict[str, str], token: str = "") -> None:
        self._environ = environ
        self._token = token
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self.address = ""
        self.log: list[dict[str, Any]] = []
        self._logged = asyncio.Condition()

    async def __aenter__(self) -> DaemonProcess:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zeoncrm", "serve", stderr=asyncio.subprocess.PIPE, env=self._environ
        )
        self._reader = asyncio.create_task(self._read())
        self.address = (await self.logged("serving"))["address"]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.returncode if self._process else None

    async def kill(self) -> None:
        """As the power cut does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As systemd does."""
        await self._end(signal.SIGTERM)

    async def logged(self, event: str) -> dict[str, Any]:
        """The first entry of the log with this text, awaited."""
        async with asyncio.timeout(PATIENCE), self._logged:
            while not (found := [entry for entry in self.log if entry.get("event") == event]):
                await self._logged.wait()
        return found[0]

    async def get(self, path: str, token: str | None = None) -> Any:
        """The JSON of an API path, as the token's person sees it."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {token or self._token}"}
        async with self._session.get(self.address + path, headers=headers) as response:
            assert response.status == 200, (response.status, await response.text())
            return await response.json()

    async def text(self, path: str) -> str:
        """What is at a path outside the API."""
        assert self._session is not None
        async with self._session.get(self.address + path) as response:
            assert response.status == 200, response.status
            return await response.text()

    async def until(self, path: str, right: Callable[[Any], bool], token: str | None = None) -> Any:
        """The JSON of an API path once it is right; looked at again with each event of the daemon."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {token or self._token}"}
        async with (
            asyncio.timeout(PATIENCE),
            self._session.ws_connect(f"{self.address}/api/v1/live", headers=headers) as live,
        ):
            while not right(answer := await self.get(path, token)):
                # Not everything has an event: a link that can't be made says so once, perhaps before we listened.
                with contextlib.suppress(TimeoutError):
                    await live.receive(timeout=0.2)
        return answer

    async def _end(self, number: int) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        assert self._process is not None
        if self._process.returncode is None:
            # Not by the process object, which would look whether it has ended, and so take its exit code from asyncio.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
        await self._process.wait()
        assert self._reader is not None
        await self._reader

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"event": line.decode(errors="replace")}
            async with self._logged:
                self.log.append(entry)
                self._logged.notify_all()
        async with self._logged:
            self.log.append({"event": "ended"})
            self._logged.notify_all()
