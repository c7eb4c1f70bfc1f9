"""One running Asterisk: its configuration, run, spool, database and log folders are its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.patience import PATIENCE
from tests.pbx.ami import AmiClient, Listener, Message

CONFIG = Path(__file__).parent / "config"
SNIPPETS = Path(__file__).parents[2] / "config"
ADDRESSES = {
    "agi://127.0.0.1:4573/route": "${LAB_AGI}",
    "http://127.0.0.1:8080/api/v1/route": "${LAB_URL}",
    "CHANGE-ME": "${LAB_TOKEN}",
}
SECRET = "lab"
# For each technology the drivers that stay away, whose configuration files begin with their names.
UNUSED = {"PJSIP": ("sip", "iax"), "SIP": ("pjsip", "iax"), "IAX2": ("sip",)}
_DRIVERS = {"sip": "chan_sip.so", "pjsip": "chan_pjsip.so", "iax": "chan_iax2.so"}
_CARRIED = re.compile(r"PJSIP/([^&@,\s]+)@(trunk|carrier)\b")
ABANDONED_AFTER = 24 * 3600  # seconds


def with_dial_strings(text: str, technology: str) -> str:
    """The text with its dial strings as the technology has them."""
    if technology == "IAX2":
        return _CARRIED.sub(r"IAX2/\2/\1", text)
    return text.replace("PJSIP/", f"{technology}/")


class Instance:
    """Asterisk in a chroot, configured from config/common and config/NAME.

    `technology`: PJSIP or SIP (chan_sip) for its phones and its trunk, IAX2 for the trunk beside phones on PJSIP. The
    configuration is written for the first.
    """

    def __init__(
        self, root: Path, folder: Path, name: str, host: str, ami_port: int, technology: str = "PJSIP"
    ) -> None:
        self.name = name
        self.technology = technology
        self.host = host
        self.ami_port = ami_port
        self._root = root
        self._home = folder / name
        self._process: asyncio.subprocess.Process | None = None
        self._client: AmiClient | None = None

    @property
    def log(self) -> Path:
        return self._home / "log" / "full"

    @property
    def recordings(self) -> Path:
        """Where MixMonitor puts its files, as this machine sees it."""
        return self._home / "spool" / "monitor"

    @property
    def cdr(self) -> Path:
        """Its call records."""
        return self._home / "log" / "cdr-csv" / "Master.csv"

    def config(self, name: str) -> Path:
        """A file of its configuration."""
        return self._home / "etc" / name

    @property
    def etc(self) -> Path:
        """Where its configuration is."""
        return self._home / "etc"

    @property
    def client(self) -> AmiClient:
        assert self._client is not None, f"{self.name} is not running"
        return self._client

    async def start(self, listener: Listener) -> None:
        """Start and return once it has fully booted. Raises RuntimeError with the end of its log."""
        config = "/" / self._home.relative_to(self._root) / "etc" / "asterisk.conf"
        with (self._home / "log" / "console").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "chroot", self._root, "/usr/sbin/asterisk", "-f", "-C", config,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        booted = asyncio.Event()

        def watch(message: Message) -> None:
            if message["Event"] == "FullyBooted":
                booted.set()
            listener(message)

        self._client = await self._log_in(watch)
        async with asyncio.timeout(PATIENCE):
            await booted.wait()

    async def _log_in(self, listener: Listener) -> AmiClient:
        for _ in range(600):
            try:
                return await AmiClient.connect(self.host, self.ami_port, "lab", SECRET, listener)
            except OSError:  # not listening yet: nothing to await but time
                if self._process is None or self._process.returncode is not None:
                    break
                await asyncio.sleep(0.05)
        raise RuntimeError(f"Asterisk '{self.name}' does not start:\n{self._last_words()}")

    def configure(self, values: Mapping[str, str]) -> None:
        """Make its folders and write its configuration, in which `@NAME@` stands for a value."""
        for part in ("etc", "db/keys", "spool", "run", "log/cdr-csv", "data/sounds/en"):
            (self._home / part).mkdir(parents=True)
        self._provide_data(self._home / "data")
        unused = UNUSED[self.technology]
        home = "/" / self._home.relative_to(self._root)
        modules = next(self._root.glob("usr/lib/**/asterisk/modules")).relative_to(self._root)
        unloaded = "\n".join(f"noload = {_DRIVERS[each]}" for each in unused)
        words = {**values, "HOME": str(home), "MODULES": f"/{modules}", "SECRET": SECRET,
                 "AMI_PORT": str(self.ami_port), "UNUSED": unloaded}  # fmt: skip
        # What operators are given is what is tried, but for where the CRM is: that is told while the PBX runs.
        given = [SNIPPETS / f"extensions{kind}.conf" for kind in ("", "_custom") if self.name == "pbx"]
        words |= {word: value for word, value in ADDRESSES.items() if given}
        for source in [*CONFIG.glob("common/*.conf"), *CONFIG.glob(f"{self.name}/*.conf"), *given]:
            if source.name.startswith(unused):
                continue
            text = with_dial_strings(source.read_text(), self.technology)
            for word, value in words.items():
                text = text.replace(word if word in ADDRESSES else f"@{word}@", value)
            name = f"zeoncrm_{source.name}" if source in given else source.name
            (self._home / "etc" / name).write_text(text)

    def _provide_data(self, folder: Path) -> None:
        """The real data folder, but for the prompt of a transfer: digits pressed while it plays would be lost."""
        shared = self._root / "usr/share/asterisk"
        parts = [(part, folder) for part in shared.iterdir() if part.name != "sounds"]
        sounds = folder / "sounds" / "en"
        parts += [(sound, sounds) for sound in (shared / "sounds/en_US_f_Allison").iterdir()]
        for part, place in parts:
            if not part.name.startswith("pbx-transfer."):
                (place / part.name).symlink_to("/" / part.relative_to(self._root))
        (sounds / "pbx-transfer.ulaw").write_bytes(b"\xff" * 160)  # 20 ms of silence

    def _last_words(self) -> str:
        logs = [self._home / "log" / "console", self.log]
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs if log.exists())

    async def stop(self) -> None:
        """As a power cut does: there is nothing to save, and a polite stop takes seconds."""
        if self._client is not None:
            await self._client.close()
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()


def new_folder(root: Path) -> Path:
    """A folder inside the root, as the chroot must see it; the caller removes it with remove_folder."""
    for abandoned in (root / "srv").glob("lab-*"):  # by tests that were killed
        if time.time() - abandoned.stat().st_mtime > ABANDONED_AFTER:
            remove_folder(abandoned)
    return Path(tempfile.mkdtemp(prefix="lab-", dir=root / "srv"))


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
