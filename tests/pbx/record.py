"""Record what the PBX tells its AMI accounts during scenarios, byte for byte.

    python -m tests.pbx.record [--asterisk 22] [--system-name pbx1] [--technology SIP] [--cdr] [NAME...]

Writes NAME.ami and NAME.json to tests/recordings/asterisk22 (the daemon's account) and asterisk22-all-classes (an
account that reads everything), and the PBX's own call records to NAME.csv beside the first. Without names: every
scenario that is not recorded yet. With --cdr only the call records are written. With a system name the folder is
asterisk22-system-name, with chan_sip asterisk16-chan-sip, with a trunk by IAX2 asterisk22-iax2.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from tests.pbx.instance import UNUSED
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES
from tests.pbx.scenarios import SCENARIOS
from tests.pbx.scenarios.scenario import Scenario
from tests.pbx.tap import Tap

NEWEST = "22"
RECORDINGS = Path(__file__).parent.parent / "recordings"


async def record(lab: Lab, scenario: Scenario) -> None:
    """Play it once with both accounts listening, and write what they heard and what the PBX noted."""
    await lab.reset()
    folder = _folder(lab)
    folder.mkdir(parents=True, exist_ok=True)
    noted = len(await lab.call_records())
    async with Tap(lab, "zeoncrm") as least, Tap(lab, "curious") as most:

        async def snapshot(name: str) -> None:
            await _record_status(lab, folder / f"status_{name}.ami")

        lab.on_moment = snapshot
        await scenario.play(lab)
        await lab.settled()
        _write(folder, scenario, await least.recorded())
        if folder.name == f"asterisk{NEWEST}":
            _write(folder.with_name(f"{folder.name}-all-classes"), scenario, await most.recorded())
    (folder / f"{scenario.name}.csv").write_bytes((await lab.call_records())[noted:])


async def record_cdr(lab: Lab, scenario: Scenario) -> None:
    """Play it once and write what the PBX noted."""
    await lab.reset()
    noted = len(await lab.call_records())
    await scenario.play(lab)
    await lab.settled()
    file = _folder(lab) / f"{scenario.name}.csv"
    file.write_bytes((await lab.call_records())[noted:])


def _folder(lab: Lab) -> Path:
    kind = {"SIP": "-chan-sip", "IAX2": "-iax2"}.get(lab.technology) or ("-system-name" if lab.system_name else "")
    return RECORDINGS / f"asterisk{lab.version}{kind}"


async def _record_status(lab: Lab, file: Path) -> None:
    """What the daemon's account hears when it logs in now and asks for the Status of all channels."""
    async with Tap(lab, "zeoncrm") as tap:
        tap.send("Status", "status1")
        await tap.has(b"Event: StatusComplete\r\n")
        file.write_bytes(await tap.recorded())


def _write(folder: Path, scenario: Scenario, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{scenario.name}.ami").write_bytes(data)
    text = json.dumps(scenario.expected(), ensure_ascii=False, indent=1)
    (folder / f"{scenario.name}.json").write_text(text + "\n", encoding="utf-8")


async def main() -> None:
    parser = argparse.ArgumentParser(description="Record what the PBX says during scenarios.")
    parser.add_argument("--asterisk", choices=sorted(RELEASES), default=NEWEST)
    parser.add_argument("--system-name", default="", metavar="NAME")
    parser.add_argument(
        "--technology", choices=sorted(UNUSED), default="PJSIP", help="of phones and trunk, IAX2 of the trunk"
    )
    parser.add_argument("--cdr", action="store_true", help="only the call records")
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, []], metavar="NAME")
    arguments = parser.parse_args()
    suffix, play = (".csv", record_cdr) if arguments.cdr else (".ami", record)
    async with Lab(arguments.asterisk, arguments.system_name, arguments.technology) as lab:
        folder = _folder(lab)
        known = [name for name in SCENARIOS if not arguments.cdr or (folder / f"{name}.json").exists()]
        names = arguments.names or [name for name in known if not (folder / f"{name}{suffix}").exists()]
        for name in names:
            try:
                await play(lab, SCENARIOS[name])
                print(name, flush=True)
            except AssertionError as error:
                print(f"{name}: {error}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
