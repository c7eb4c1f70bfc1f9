"""Sample contacts, deals, notes and calls: what an ordinary week leaves on a board, and what a mad one does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.browser.site import REGION, Site
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    Reached,
)
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.contacts import NewPhone, add_contact_note, create_contact
from zeoncrm.pipeline.deals import NewDeal, add_deal_note, create_deal
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.incoming import add_rule, list_number
from zeoncrm.pipeline.people import Viewer, viewer_of
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.store.contacts import ContactRow

NAMES = (
    "Ivan Petrov",
    "Olga Smirnova",
    "Sergey Kuznetsov",
    "Maria Ivanova",
    "Pavel Morozov",
    "Elena Vasilieva",
    "Dmitry Sokolov",
    "Natalia Popova",
    "Артём Лебедев",
    "Ксения Новикова",
    "Michael O'Brien",
    "Jürgen Weiß",
)
COMPANIES = (
    "Stroy LLC",
    "Severny Dom",
    "Okna & Co",
    None,
    "ТехноСнаб",
    "Fasad Group",
    None,
    "Lift-Service",
    "Atrium",
    None,
)
GOODS = (
    "Windows, 40 m²",
    "Balcony glazing",
    "Entrance doors, 6 pcs",
    "Façade repair",
    "Office partitions",
    "Winter garden",
    "Roof windows",
    "Shop front",
    "Service contract",
    "Mosquito screens",
)
STEPS = ("Call back", "Send the offer", "Measure", "Agree on the price", "Ask for documents", "Meet at the office")
NOTES = (
    "Asks for a discount, decides after the holidays.",
    "Wants the offer by e-mail, then a call.",
    "The measurer comes on Thursday, keys are with the guard.",
    "Compares with two others; delivery time matters most.",
)
LONG_NAME = "Общество с ограниченной ответственностью «Северо-Западное монтажно-строительное управление № 14»"
LONG_TITLE = "Glazing of the whole north façade with replacement of supporting structures, stage two, floors 3 to 17"

# Its own: whoever seeds that of the module `random` decides what other tests meet.
_CHANCE = random.Random()


async def seed_board(site: Site, *, cards: int, mad: bool = False) -> None:
    """Deals in every column: about `cards` in each. `mad`: overlong names and twelve-digit sums among them."""
    _CHANCE.seed(7)
    now = datetime.now(UTC)
    people = [viewer_of(row) for row in site.directory.rows if row.login in ("anna", "boris", "vera")]
    contacts = [await _contact(site, _CHANCE.choice(people), index, mad, now) for index in range(max(4, cards))]
    pipeline = await get_pipeline(site.database, None)
    for position, stage in enumerate(pipeline.stages):
        count = cards if stage.kind == "open" else max(1, cards // 4)
        if not mad:
            count = max(1, count - 4 * position)
        for _ in range(count):
            contact = _CHANCE.choice(contacts)
            owner = next((person for person in people if person.id == contact.owner_id), people[0])
            await _deal(site, owner, contact, stage.id, mad, now)


async def _contact(site: Site, owner: Viewer, index: int, mad: bool, now: datetime) -> ContactRow:
    name, company = NAMES[index % len(NAMES)], COMPANIES[index % len(COMPANIES)]
    if mad and index % 5 == 0:
        company = LONG_NAME
    contact = await create_contact(
        site.database,
        owner,
        name=name,
        phones=[NewPhone(f"+7903{1112200 + index}", "mobile")],
        region=REGION,
        at=now - timedelta(days=30),
        company=company,
    )
    if index % 3 == 0:
        await add_contact_note(site.database, owner, contact.id, NOTES[index % len(NOTES)], now - timedelta(days=2))
    return contact


async def _deal(site: Site, owner: Viewer, contact: ContactRow, stage_id: int, mad: bool, now: datetime) -> None:
    amount = Decimal(_CHANCE.randrange(12, 640)) * 1000
    title = _CHANCE.choice(GOODS) if _CHANCE.random() < 0.85 else contact.name
    if mad and _CHANCE.random() < 0.3:
        title, amount = LONG_TITLE, Decimal("987654321012.34")
    has_step = _CHANCE.random() < 0.55
    deal = await create_deal(
        site.database,
        owner,
        NewDeal(
            title=title,
            stage_id=stage_id,
            owner_id=owner.id,
            contact_id=contact.id,
            amount=amount if _CHANCE.random() < 0.85 else None,
            priority="hot" if _CHANCE.random() < 0.12 else "normal",
            next_step=_CHANCE.choice(STEPS) if has_step else None,
            next_step_at=now + timedelta(hours=_CHANCE.randrange(-60, 120)) if has_step else None,
        ),
        now - timedelta(hours=_CHANCE.randrange(1, 300)),
    )
    if _CHANCE.random() < 0.15:
        await add_deal_note(site.database, owner, deal.id, _CHANCE.choice(NOTES), now - timedelta(hours=3))


async def seed_calls(site: Site, count: int) -> None:
    """Calls of the last days: answered, missed, from known and unknown numbers."""
    _CHANCE.seed(11)
    now = datetime.now(UTC)
    for index in range(count):
        at = now - timedelta(minutes=23 * (count - index) + 5)
        number = f"+7903{1112200 + index % 17}" if index % 3 else f"+7916{5550100 + index}"
        extension = _CHANCE.choice(("101", "102"))
        call_id = new_call_id(at)
        answered = index % 4 != 0
        await ring(site, call_id, number, [extension], at=at)
        if answered:
            await site.happened(LegAnswered(call_id=call_id, at=at + timedelta(seconds=5), extension=extension))
        else:
            outcome = LegOutcome.CANCELLED
            end = at + timedelta(seconds=20)
            await site.happened(LegEnded(call_id=call_id, at=end, extension=extension, outcome=outcome))
        await site.happened(
            CallEnded(
                call_id=call_id,
                at=at + timedelta(seconds=_CHANCE.randrange(25, 400)),
                result=CallResult.ANSWERED if answered else CallResult.MISSED,
                reached=None if answered else _CHANCE.choice((Reached.RINGING, Reached.QUEUE, Reached.IVR)),
            )
        )


async def seed_rules(site: Site) -> None:
    """Rules of all sorts, and numbers on both lists."""
    vera = viewer_of(next(row for row in site.directory.rows if row.login == "vera"))
    people = {row.login: row.id for row in site.directory.rows}
    at, night = datetime.now(UTC), {"begins": 20 * 60, "ends": 8 * 60}
    for values in (
        {"name": "VIP line", "dids": ["4952150009"], "missed_owner": "person", "person_id": people["boris"]},
        {
            "name": "Night and weekend",
            **night,
            "create_deals": "inbound",
            "weekdays": [5, 6, 7],
            "missed_owner": "group",
        }
        | {"group": [people["anna"], people["boris"], people["vera"]]},
        {"name": "Strangers in the service queue " * 3, "queues": ["service"], "callers": "unknown", "active": False},
        {"name": "Everybody else on the billboard's line", "dids": ["4952150000"], "source": "Billboard"},
    ):
        await add_rule(site.database, vera, values)
    for number, listing, note in (
        ("+7 812 555*", Screening.IGNORED, "Own mobiles"),
        ("8 800 555-35-35", Screening.BLOCKED, "Offers loans every day"),
    ):
        await list_number(site.database, vera, number=number, listing=listing, note=note, region=REGION, at=at)
    await site.refresh()


async def ring(
    site: Site,
    call_id: str,
    number: str,
    extensions: list[str],
    *,
    name: str | None = None,
    did: str = "4952150000",
    at: datetime | None = None,
) -> None:
    """An outside party calls and it rings at these extensions."""
    at = at or datetime.now(UTC)
    await site.happened(
        CallStarted(
            call_id=call_id,
            at=at,
            pbx="main",
            direction=Direction.INBOUND,
            linkedid=f"{call_id}.1",
            number=number,
            number_raw=number.lstrip("+"),
            caller_name=name,
            did=did,
        ),
        *(LegRang(call_id=call_id, at=at, extension=extension) for extension in extensions),
    )
