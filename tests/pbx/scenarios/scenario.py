"""A scenario: what people do on a real PBX, and the CRM calls that must come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.pbx.lab import Lab

Call = dict[str, Any]
Play = Callable[[Lab], Awaitable[None]]

MAIN_DID = "4952150000"  # rings 101
OF_LEGS = {"legs": "outcome", "rings": "rings"}  # what of each leg an expectation tells
OWN_MOBILES = {"105": "79990003344", "2004": "79990005566"}  # the outside numbers that are our people's own


@dataclass(frozen=True)
class Scenario:
    """`calls` are in the words of the JSON API; `legs` maps an extension to its outcome, `rings` to how often it rang;
    absent fields are free."""

    name: str
    play: Play
    calls: tuple[Call, ...]
    main: bool  # also played on the older Asterisk
    outside: dict[str, str] = field(default_factory=dict)  # extension -> its person's own outside number

    @property
    def kind(self) -> str:
        """What it is about: the file that it stands in."""
        return self.play.__module__.rpartition(".")[2].replace("_", " ")

    def differences(self, calls: Sequence[Call]) -> list[str]:
        """What is wrong with the calls that came of it; `calls` in the words of the JSON API, in any order."""
        left, wrong = list(calls), []
        for wanted in self.calls:
            same = [call for call in left if _same(call, wanted, "number") and _same(call, wanted, "did")]
            if same:
                found = min(same, key=lambda call: len(list(_deviating(call, wanted))))
                left.remove(found)
                wrong += [f"{name}: {got!r}, not {wanted[name]!r}" for name, got in _deviating(found, wanted)]
            else:
                wrong.append(f"no call with {wanted['number']}")
        return wrong + [f"a call that is none: {call}" for call in left]

    def expected(self) -> dict[str, Any]:
        """The content of the recording's .json."""
        outside = {"outside": self.outside} if self.outside else {}
        return {"extensions": "101-108,2001-2004,30001,992003", **outside, "region": "RU", "calls": list(self.calls)}


def scenario(*calls: Call, main: bool = False, outside: dict[str, str] | None = None) -> Callable[[Play], Scenario]:
    """Make a scenario of a coroutine function, named after it."""

    def make(play: Play) -> Scenario:
        return Scenario(play.__name__, play, calls, main, outside or {})

    return make


def answered(number: str | None, did: str, by: str, *, last: str | None = None, **fields: Any) -> Call:
    """An inbound call that `by` answered."""
    return {
        "direction": "inbound", "number": number, "did": did, "result": "answered",
        "answered_by": by, "last_extension": last or by, **fields,
    }  # fmt: skip


def missed(number: str, did: str, reached: str, **fields: Any) -> Call:
    """An inbound call that nobody answered."""
    return {
        "direction": "inbound", "number": number, "did": did, "result": "missed",
        "answered_by": None, "reached": reached, **fields,
    }  # fmt: skip


def outbound(number: str, result: str, by: str | None = None, **fields: Any) -> Call:
    return {"direction": "outbound", "number": number, "result": result, "answered_by": by, **fields}


def _same(call: Call, wanted: Call, name: str) -> bool:
    return bool(call[name] == wanted.get(name, call[name]))


def _deviating(call: Call, wanted: Call) -> Iterator[tuple[str, Any]]:
    for name, value in wanted.items():
        of_leg = OF_LEGS.get(name)
        got = {leg["extension"]: leg[of_leg] for leg in call["legs"]} if of_leg else call[name]
        if got != value:
            yield name, got
