"""What the records of one call say about it: a pure function, the counterpart of the tracker for calls long over.

`ANSWERED` in a record is no answer by a person: a queue, an IVR, voicemail and parking write it too. As in the live
tracker, who is at a channel is decided by its device, and an answer is a person's channel that is connected with the
outside party's, over nothing but Local channels.

What records do not tell: a phone that rejects is one that rings out; the number that a transferred caller had called
is overwritten; in a queue or after an IVR, when exactly the phone answered; of whoever came straight into a conference,
whether the PBX had called them. All to the second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from zeoncrm.ami.caller_names import own_name
from zeoncrm.ami.cdr.legs import Part, legs_of, parts_of
from zeoncrm.ami.cdr.rows import CdrRow, made_by
from zeoncrm.ami.cdr.story import CALLED, MEETING, Story
from zeoncrm.ami.headers import is_unreadable
from zeoncrm.ami.outcomes import is_voicemail
from zeoncrm.ami.parties import Kind, Party, dialled_number, whole
from zeoncrm.pipeline.backfill import MADE_UP
from zeoncrm.pipeline.call_events import CallResult, Direction, LegOutcome, Reached, Source
from zeoncrm.pipeline.calls import Call, CallState, Leg
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise

_PARKED = frozenset({"Park", "ParkAndAnnounce"})
_NAME = re.compile(r'\s*"?(.*?)"?\s*<[^<>]*>\s*')


def calls_of(group: Sequence[CdrRow], pbx: str, numbering: Numbering) -> list[Call]:
    """The calls that these records, as `groups_of` gives them, are of: none when no outside party took part.

    Their ids are empty; `linkedids` has everything by which the PBX may know them.
    """
    story = Story(group, numbering)
    told = [_inbound(story, caller, pbx, numbering) for caller in story.callers]
    if first := _carried_on(story, numbering):
        told = [_cut_off(story, first, pbx, numbering)]
    elif not told and story.lines:
        told = _outbound(story, pbx)
    elif not told:
        told = _never_dialled(story, pbx, numbering)
    # Which of several calls a recording is of, the records do not tell; its name may.
    files = tuple(dict.fromkeys(row.recording for row in group if row.recording)) if len(told) == 1 else ()
    return [replace(call, files=files) for call in told]


def _inbound(story: Story, caller: str, pbx: str, numbering: Numbering) -> Call:
    own = story.own(caller)
    first, party, ended_at = own[0], story.parties[caller], max(row.end for row in story.of(caller))
    parts = parts_of(story, [caller])
    answers = [part for part in parts if part.answered_at is not None]
    hearing = story.hearing([caller])
    forwards = [row for line in story.lines if line in hearing for row in story.of(line) if row.answered]
    outside = story.parties[forwards[0].peer] if forwards else None
    answered_at = min((*_times(answers), *map(story.answered_at, forwards)), default=None)
    call = replace(
        _ended(Direction.INBOUND, pbx, first.start, ended_at, answers),
        number=party.number,
        number_raw=party.raw or first.src or None,
        caller_name=_name(first, party),
        did=_line_called(story, own, numbering),
        queue=_queue(own, answered_at),
        result=CallResult.MISSED if answered_at is None else CallResult.ANSWERED,
        reached=_reached(story, caller) if answered_at is None else None,
        answered_outside=(outside.number or outside.raw) if outside else None,
        answered_at=answered_at,
        legs=legs_of(story, parts, forwards, ended_at),
    )
    return _named(call, story, first)


def _carried_on(story: Story, numbering: Numbering) -> CdrRow | None:
    """The first record of a call whose caller has none, since the PBX died before it was written: all that is there are
    those of the Local channels that carried the call on, with the caller's number."""
    ids = {row.uniqueid for row in story.rows}
    for row in story.rows:
        is_head_missing = made_by(row.linkedid) is not None and row.linkedid not in ids
        if not is_head_missing or row.made is None or story.parties[row.channel].kind is not Kind.HELPER:
            return None
    first = min(story.rows, key=lambda row: row.made or (0, 0))
    number = normalise(first.src, numbering.region)
    return None if number is None or number in numbering.outside else first


def _cut_off(story: Story, first: CdrRow, pbx: str, numbering: Numbering) -> Call:
    ended_at = max(row.end for row in story.rows)
    parts = parts_of(story, sorted({whole(row.channel) for row in story.rows}))
    answers = [part for part in parts if part.answered_at is not None]
    party = Party(Kind.OUTSIDE, None, normalise(first.src, numbering.region), first.src)
    return replace(
        _ended(Direction.INBOUND, pbx, min(row.start for row in story.rows), ended_at, answers),
        number=party.number,
        number_raw=party.raw,
        caller_name=_name(first, party),
        did=next((row.line for row in story.rows if row.line), None),
        result=CallResult.ANSWERED if answers else CallResult.MISSED,
        reached=None if answers else Reached.RINGING,
        answered_at=min(_times(answers), default=None),
        legs=legs_of(story, parts, [], ended_at),
        linkedids=_ids(story.rows),
    )


def _outbound(story: Story, pbx: str) -> list[Call]:
    first, *later = _one_after_the_other(story)
    began = next((row.start for row in story.rows if row.app not in MEETING), story.rows[0].start)
    told = [replace(_named(_called(story, first, pbx), story, story.own(first[0])[0]), started_at=began)]
    for lines in later:
        call = _called(story, lines, pbx)
        # The ids are the first one's: of this one the PBX keeps nothing but the name of its line.
        own = f"{MADE_UP}{lines[0]} {call.started_at:%Y%m%dT%H%M%S}"
        told.append(replace(call, linkedids=frozenset({own})))
    return told


def _one_after_the_other(story: Story) -> list[list[str]]:
    """The lines of each call: who is called when a talk is over is called anew."""
    calls: list[list[str]] = []
    talks: list[CdrRow] = []
    for line in sorted(story.lines, key=lambda each: story.own(each)[0].start):
        own = story.own(line)
        if not calls or (talks and _is_over(talks, own[0])):
            calls.append([])
            talks = []
        calls[-1].append(line)
        talks += [row for row in story.of(line) if row.answered]
    return calls


def _is_over(talks: Sequence[CdrRow], row: CdrRow) -> bool:
    """Whether the talks had ended when the record began. Times are whole seconds; but what one channel did stands in
    order."""
    over_at = max(each.end for each in talks)
    in_order = all(each.channel == row.channel and each.data != row.data for each in talks)
    return row.start > over_at or (row.start == over_at and in_order)


def _called(story: Story, lines: Sequence[str], pbx: str) -> Call:
    # Of several numbers it is the one that answered; else the first.
    taken = (line for line in lines if any(row.answered for row in story.of(line)))
    party = story.parties[next(taken, lines[0])]
    lines = [line for line in lines if story.parties[line].number == party.number]
    own = [row for line in lines for row in story.own(line)]
    ended_at = max(row.end for line in lines for row in story.of(line))
    parts = parts_of(story, lines)
    answers = [part for part in parts if part.answered_at is not None]
    return replace(
        _ended(Direction.OUTBOUND, pbx, min(row.start for row in own), ended_at, answers),
        number=party.number,
        number_raw=party.raw,
        result=CallResult.ANSWERED if answers else _outside_result(own),
        answered_at=min(_times(answers), default=None),
        legs=legs_of(story, parts, [], ended_at),
    )


def _never_dialled(story: Story, pbx: str, numbering: Numbering) -> list[Call]:
    """A click-to-call of which the rep did not take the own phone: the number is in the caller id that we gave it."""
    first = story.rows[0]
    written = next((row.src for row in story.rows if normalise(row.src, numbering.region)), None)
    number = normalise(written, numbering.region)
    extensions = set(story.people.values())
    if first.app not in CALLED or number is None or number in numbering.outside or len(extensions) != 1:
        return []
    ended_at = max(row.end for row in story.rows)
    busy = any(row.disposition == "BUSY" for row in story.rows)
    leg = Leg(extensions.pop(), first.start, None, ended_at, LegOutcome.BUSY if busy else LegOutcome.NO_ANSWER, 1)
    call = replace(
        _ended(Direction.OUTBOUND, pbx, first.start, ended_at),
        number=number,
        number_raw=written,
        result=CallResult.CANCELLED,
        legs=(leg,),
        linkedids=_ids(story.rows),
    )
    return [call]


def _ended(
    direction: Direction, pbx: str, started_at: datetime, ended_at: datetime, answers: Sequence[Part] = ()
) -> Call:
    return Call(
        id="",
        pbx=pbx,
        direction=direction,
        started_at=started_at,
        ended_at=ended_at,
        state=CallState.ENDED,
        source=Source.BACKFILLED,
        answered_by=answers[0].extension if answers else None,
        last_extension=answers[-1].extension if answers else None,
    )


def _times(answers: list[Part]) -> list[datetime]:
    return [part.answered_at for part in answers if part.answered_at is not None]


def _outside_result(rows: Sequence[CdrRow]) -> CallResult:
    """Why nobody outside answered; of several attempts the last tells."""
    disposition = rows[-1].disposition
    if disposition == "BUSY":
        return CallResult.BUSY
    return CallResult.FAILED if disposition in {"FAILED", "CONGESTION"} else CallResult.NO_ANSWER


def _queue(own: Sequence[CdrRow], answered_at: datetime | None) -> str | None:
    """The last queue that the caller came to before the answer, else the first to which they were handed on."""
    rows = [row for row in own if row.app == "Queue" and row.data]
    before = [row for row in rows if answered_at is None or row.start <= answered_at]
    found = before[-1:] or rows[:1]
    return found[0].data.partition(",")[0] if found else None


def _reached(story: Story, caller: str) -> Reached:
    """How far an unanswered caller got. What the dialplan does at the end, hanging up say, is no place."""
    place = None
    for row in story.rows:
        if row.channel != caller:
            continue
        if is_voicemail(row.app):
            place = Reached.VOICEMAIL
        elif row.app == "Queue":
            place = Reached.QUEUE
        elif row.app in _PARKED:
            place = Reached.PARKING
        elif row.peer or row.app == "Dial":
            place = Reached.RINGING
        elif place is None and row.answered:
            place = Reached.IVR
    return Reached.VOICEMAIL if _came_to_a_mailbox(story, caller) else place or Reached.RINGING


def _came_to_a_mailbox(story: Story, caller: str) -> bool:
    """Over Local channels: the record is theirs. What the caller did afterwards counts more."""
    hearing = story.hearing([caller])
    last = max(row.start for row in story.of(caller))
    return any(
        is_voicemail(row.app) and row.channel.endswith(";2") and whole(row.channel) in hearing and row.end >= last
        for row in story.rows
    )


def _line_called(story: Story, own: Sequence[CdrRow], numbering: Numbering) -> str | None:
    """The number of ours that was called, unless the record has been overwritten with where the call went: what is no
    full number is a place in the dialplan."""
    line = next((row.line for row in own if row.line), None)
    if line is not None:
        return line
    dst = own[0].dst
    elsewhere = {dialled_number(row.data.partition(",")[0]) for row in story.rows if row.app == "Dial"}
    return dst if normalise(dst, numbering.region) and dst not in elsewhere else None


def _name(row: CdrRow, party: Party) -> str | None:
    match = _NAME.fullmatch(row.clid)
    name = match[1].replace('\\"', '"').strip() if match else ""
    return None if is_unreadable(name) or name == row.src else own_name(name, party.raw)


def _named(call: Call, story: Story, first: CdrRow) -> Call:
    """The call, whose first record this is, with the ids by which the PBX knows it. Those that are older are of
    somebody whom it met; of several callers each has but the own one."""
    ids = _ids(story.rows)
    began = made_by(first.uniqueid if story.callers else first.linkedid)
    older = frozenset(each for each in ids if began is not None and (made_by(each) or began) < began)
    callers = {row.uniqueid for row in story.rows if row.channel in story.callers}
    own = ids - older if len(story.callers) < 2 else _own_id(first)
    return replace(call, linkedids=own, shared_ids=older - callers)


def _ids(rows: Sequence[CdrRow]) -> frozenset[str]:
    """By what the PBX knows the call. Where it writes no ids, the first channel and its second make one."""
    ids = {each for row in rows for each in (row.linkedid, row.uniqueid) if each}
    return frozenset(ids) or _own_id(rows[0])


def _own_id(row: CdrRow) -> frozenset[str]:
    """The same for one of several calls that were joined: the others have their own."""
    return frozenset({row.uniqueid or f"{MADE_UP}{row.channel} {row.start:%Y%m%dT%H%M%S}"})
