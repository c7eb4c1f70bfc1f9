"""`make soak`: calls on the real PBX while everything around them fails, then a reckoning by number.

Each call has an outside number of its own. Whatever the PBX has a call record of must be in the CRM once, ended, in the
right direction; nothing else may be there but calls that were cut off when the PBX was killed, which have no record.
The PBX writes one after the end of a call: of those that ended just before that, it may have written none either.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import math
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.pbx.daemon import Daemon
from tests.pbx.faults import FAULTS, HEAD, suffer
from tests.pbx.faulty_link import FaultyLink
from tests.pbx.lab import EXTENSIONS, Lab

INBOUND, OUTBOUND = "7910", "7920"  # what the outside numbers of each direction begin with
LINES = (
    *("4952150000", "4952150001", "4952150002", "4952150003", "4952150004", "4952150005", "4952150007"),
    *("4952150009", "4952150011", "4952150012", *(f"4952150{extension}" for extension in EXTENSIONS)),
)
WRITTEN = 1.0  # seconds from the end of a call until its record is in the file
LONGEST = 6  # seconds of a call before or after its answer
CATCHING_UP = 60.0  # seconds until the daemon must have read the last call record


@dataclass
class Reckoning:
    """What came of it. `cut`: numbers of calls that went on, or had just ended, when the PBX was killed."""

    recorded: dict[str, str] = field(default_factory=dict)  # number -> direction, by the PBX's call records
    known: Counter[str] = field(default_factory=Counter)  # number -> calls in the CRM
    cut: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    diary: list[str] = field(default_factory=list)  # what failed when

    def compare(self, calls: list[dict[str, Any]]) -> None:
        """Note each difference between the PBX's records and the CRM's calls."""
        for call in calls:
            number = str(call["number"]).removeprefix("+")
            self.known[number] += 1
            self.sources[call["source"]] += 1
            if call["state"] != "ended":
                self.wrong.append(f"{number} has not ended: {call['state']}")
            if call["direction"] != self.recorded.get(number, call["direction"]):
                self.wrong.append(f"{number} is {call['direction']}")
            if call["direction"] == "inbound" and call["answered_by"] and not (call["deal_id"] and call["owner"]):
                self.wrong.append(f"{number} was answered by {call['answered_by']} and is on no deal of theirs")
            if number not in self.recorded and number not in self.cut:
                self.wrong.append(f"{number} has no call record: {call['source']}, {call['result']}")
        self.wrong += [f"{number} is lost" for number in self.recorded if not self.known[number]]
        self.wrong += [f"{number} is there {count} times" for number, count in self.known.items() if count > 1]

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        sources = ", ".join(f"{name} {count}" for name, count in sorted(self.sources.items()))
        lines = [
            f"calls with a record on the PBX  {len(self.recorded):6}",
            f"calls in the CRM                {self.known.total():6}   ({sources})",
            f"cut off with the PBX            {len(self.cut - self.recorded.keys()):6}",
            f"differences                     {len(self.wrong):6}",
            f"faults: {faults}",
        ]
        return "\n".join(lines + self.wrong[:50])


class Traffic:
    """People who call, are called, answer or do not."""

    def __init__(self, lab: Lab, rate: float, chance: random.Random) -> None:
        self._lab = lab
        self._rate = rate
        self._chance = chance
        self._count = 0
        self.allowed = asyncio.Event()
        self.allowed.set()

    async def run(self) -> None:
        """Calls, `rate` a second, until cancelled."""
        while True:
            await self.allowed.wait()
            with contextlib.suppress(ConnectionError, RuntimeError):  # the PBX is away
                await self._somebody_changes()
                await (self._call_in() if self._chance.random() < 0.7 else self._call_out())
            await asyncio.sleep(self._chance.expovariate(self._rate))

    async def _call_in(self) -> None:
        number, line = self._number(INBOUND), self._chance.choice(LINES)
        await self._originate(f"PJSIP/{line}@carrier", number)

    async def _call_out(self) -> None:
        number, extension = self._number(OUTBOUND), self._chance.choice(EXTENSIONS)
        behaviour = self._chance.choice(["answers", "answers", "rings", "busy"])
        await self._lab.behave(number, behaviour, after=self._chance.randint(0, 2))  # type: ignore[arg-type]
        await self._originate(f"PJSIP/{number}@phone{extension}", extension)

    async def _somebody_changes(self) -> None:
        """A rep takes a place at the phone, leaves it, or puts it on busy."""
        behaviour = self._chance.choice(["answers", "answers", "answers", "rings", "busy", "rejects"])
        extension = self._chance.choice(EXTENSIONS)
        await self._lab.behave(extension, behaviour, after=self._chance.randint(0, 2))  # type: ignore[arg-type]

    async def _originate(self, channel: str, caller: str) -> None:
        patience, talk = self._chance.randint(1, LONGEST), self._chance.randint(1, LONGEST)
        await self._lab.world.client.action(
            "Originate", Channel=channel, Context="talk-for", Exten=str(talk), Priority="1",
            CallerID=caller, Timeout=f"{patience}000", Async="true",
        )  # fmt: skip

    def _number(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count:07}"


class Soak:
    """The lab, the daemon behind a network that fails, and who lets it all fail."""

    def __init__(self, lab: Lab, daemon: Daemon, link: FaultyLink, *, rate: float, seed: int) -> None:
        self._lab, self._daemon, self._link = lab, daemon, link
        self._chance = random.Random(seed)
        self._traffic = Traffic(lab, rate, self._chance)
        self.result = Reckoning()

    async def run(self, seconds: float, *, pause: tuple[float, float] = (4, 10)) -> Reckoning:
        """Let calls and faults come for so long; then see what is there."""
        calling = asyncio.create_task(self._traffic.run())
        try:
            await self._fail(time.monotonic() + seconds, pause)
        finally:
            calling.cancel()
            await asyncio.wait([calling])
        await self._lab.quiet()
        # The last records are read at the start, whatever the period of the reading is.
        await self._daemon.kill()
        await self._daemon.start()
        await self._reckon()
        return self.result

    async def _fail(self, until: float, pause: tuple[float, float]) -> None:
        """One fault after another, each kind as often."""
        faults: list[Callable[[], Awaitable[None]]] = []
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.uniform(*pause))
            if not faults:
                faults = [self._daemon_dies, self._pbx_dies, self._link_hangs, self._link_breaks, self._cable_is_pulled]
                self._chance.shuffle(faults)
            fault = faults.pop()
            name = fault.__name__.strip("_").replace("_", " ")
            self.result.faults[name] += 1
            began = datetime.now(UTC)
            await fault()
            self.result.diary.append(f"{began:%H:%M:%S} to {datetime.now(UTC):%H:%M:%S}  {name}")

    async def _daemon_dies(self) -> None:
        await self._daemon.kill()
        await asyncio.sleep(self._chance.uniform(0, 4))
        await self._daemon.start()

    async def _pbx_dies(self) -> None:
        self._traffic.allowed.clear()
        self._note_cut()
        await self._lab.pbx.stop()
        self._note_cut(ended_since=time.monotonic() - WRITTEN)  # what came, or went, meanwhile
        await self._lab.restart_pbx()
        self._traffic.allowed.set()

    def _note_cut(self, ended_since: float = math.inf) -> None:
        view = self._lab.pbx_view
        just_ended = [channel for channel in view.former if channel.ended >= ended_since]
        self.result.cut |= {channel.party for channel in [*view.channels.values(), *just_ended] if channel.party}

    async def _link_hangs(self) -> None:
        self._link.hang()
        await asyncio.sleep(self._chance.uniform(1, 12))
        self._link.heal()

    async def _link_breaks(self) -> None:
        self._link.reset()

    async def _cable_is_pulled(self) -> None:
        self._link.lose()
        await asyncio.sleep(self._chance.uniform(1, 12))

    async def _reckon(self) -> None:
        self.result.recorded = _recorded(self._lab.pbx.cdr)
        calls: list[dict[str, Any]] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCHING_UP):
                while not self._all_there(calls := await self._calls()):  # noqa: ASYNC110 - a reading tells nobody
                    await asyncio.sleep(0.5)
        self.result.compare(calls)

    def _all_there(self, calls: list[dict[str, Any]]) -> bool:
        ended = {call["number"] for call in calls if call["state"] == "ended"}
        return all(f"+{number}" in ended for number in self.result.recorded) and len(ended) == len(calls)

    async def _calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []
        page: dict[str, str] = {"limit": "100"}
        while True:
            answer = await self._daemon.supervisor.get("/calls", **page)
            calls += answer["items"]
            if answer["next"] is None:
                return calls
            page["cursor"] = answer["next"]


def _recorded(path: Path) -> dict[str, str]:
    """The outside numbers of the PBX's call records, with the direction of each."""
    found: dict[str, str] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            source, destination = row[1], row[2]
            if source.startswith(INBOUND):
                found[source] = "inbound"
            elif destination.startswith(OUTBOUND):
                found[destination] = "outbound"
    return found


async def soak(lab: Lab, folder: Path, seconds: float, *, rate: float, seed: int) -> Reckoning:
    """Let it run on a lab; the folder has then its database and log, the PBX's records, and when what failed."""
    async with (
        FaultyLink(lab.pbx.host, lab.pbx.ami_port) as link,
        Daemon(folder, lab, ami_port=link.port) as daemon,
    ):
        result = await Soak(lab, daemon, link, rate=rate, seed=seed).run(seconds)
        (folder / "diary.txt").write_text("\n".join(result.diary))
        shutil.copyfile(lab.pbx.cdr, folder / "Master.csv")
        return result


async def _main(minutes: float, rate: float, version: str, seed: int, keep: Path | None) -> None:
    async with Lab(version) as lab:
        print(f"faults of the link to Asterisk {version}, of which it is right again by itself:\n{HEAD}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            await _try_faults(lab, Path(folder))
        print(f"\nsoak: {minutes:g} minutes, {rate:g} calls/s, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            result = await soak(lab, keep or Path(folder), minutes * 60, rate=rate, seed=seed)
    print(result)
    raise SystemExit(1 if result.wrong else 0)


async def _try_faults(lab: Lab, folder: Path) -> None:
    async with FaultyLink(lab.pbx.host, lab.pbx.ami_port) as link, Daemon(folder, lab, ami_port=link.port) as daemon:
        for fault in FAULTS:
            print(await suffer(lab, daemon, link, fault), flush=True)


def main() -> None:
    """Run it; exit code 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=3, help="calls a second")
    parser.add_argument("--asterisk", default="22")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="an empty folder for what the daemon and the PBX wrote"
    )
    given = parser.parse_args()
    asyncio.run(_main(given.minutes, given.rate, given.asterisk, given.seed, given.keep))


if __name__ == "__main__":
    main()
