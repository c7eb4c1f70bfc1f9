"""Fills an empty database with a firm's last two months, made through the use cases as people and calls make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random

from zeoncrm.demo.callers import World
from zeoncrm.demo.sample_calls import PastCall
from zeoncrm.demo.sample_texts import CONTACTS, GOODS, NEXT_STEPS, NOTES, PASSWORD, PEOPLE, SOURCES, STRANGERS, said
from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import NewDeal, add_deal_note, create_deal, move_deal
from zeoncrm.pipeline.passwords import Passwords
from zeoncrm.pipeline.people import Viewer, add_person, load_directory, viewer_of
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.settings import load_settings
from zeoncrm.pipeline.stages import ensure_default_pipeline, get_pipeline
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database
from zeoncrm.store.stages import StageRow

REGION = "RU"
SEED = 2025
OLDEST = timedelta(days=60)
# How many deals stand in each stage of the default pipeline, in its order.
DEALS_IN_STAGE = (4, 11, 10, 8, 6, 5, 9, 6)
CALLS = 48
CALL_DAYS = 10.0
# UTC
WORK_BEGINS, WORK_HOURS = 6, 10

Happening = tuple[datetime, Callable[[], Awaitable[object]]]


@dataclass(frozen=True)
class Client:
    """A contact with whoever is responsible for it."""

    contact: ContactRow
    owner: Viewer
    number: str


async def fill(database: Database, passwords: Passwords, now: datetime) -> World:
    """People, contacts, deals, notes and past calls; gives who may call the demo's people.

    Always the same but for ids of calls and times, which lie before `now` (UTC).
    """
    await ensure_default_pipeline(database)
    viewers = await _add_people(database, passwords, now - OLDEST)
    random = Random(SEED)  # noqa: S311 - sample data
    clients = [await _add_client(database, viewers, place, now - OLDEST) for place in range(len(CONTACTS))]
    writer = _Writer(database, random, now, clients, (await get_pipeline(database, None)).stages)
    recorder = await _recorder(database)
    happenings = [*writer.deals(), *_calls(random, clients, now, recorder)]
    for _, happen in sorted(happenings, key=lambda happening: happening[0]):
        await happen()
    known: dict[str, list[str]] = {}
    for client in clients:
        known.setdefault(_extension(client.owner), []).append(client.number)
    return World(known, STRANGERS)


async def _add_people(database: Database, passwords: Passwords, at: datetime) -> list[Viewer]:
    password_hash = await passwords.hash(PASSWORD)
    for person in PEOPLE:
        await add_person(
            database,
            login=person.login,
            name=person.name,
            role=person.role,
            password_hash=password_hash,
            extensions=[person.extension],
            outside=[],
            region=REGION,
            at=at,
        )
    directory = await load_directory(database)
    rows = {row.login: row for row in directory.rows}
    return [viewer_of(rows[person.login]) for person in PEOPLE]


async def _add_client(database: Database, viewers: Sequence[Viewer], place: int, at: datetime) -> Client:
    name, company = CONTACTS[place]
    # Colleagues of one company have one owner; most clients are the reps'.
    owner = viewers[(0, 1, 0, 1, 2)[_company_number(place) % 5]]
    contact = await create_contact(
        database,
        owner,
        name=name,
        phones=[NewPhone(f"+7 903 111-00-{place:02d}")],
        region=REGION,
        at=at + timedelta(hours=place),
        company=company,
    )
    return Client(contact, owner, f"790311100{place:02d}")


def _company_number(place: int) -> int:
    companies = list(dict.fromkeys(company or name for name, company in CONTACTS))
    name, company = CONTACTS[place]
    return companies.index(company or name)


class _Writer:
    """Thinks deals out: when each came, where it went, what was written about it."""

    def __init__(
        self, database: Database, random: Random, now: datetime, clients: Sequence[Client], stages: Sequence[StageRow]
    ) -> None:
        self._database = database
        self._random = random
        self._now = now
        self._clients = clients
        self._stages = stages

    def deals(self) -> Iterator[Happening]:
        """The history of all deals, each for another client as long as there are any."""
        clients = self._random.sample(self._clients, len(self._clients))
        number = 0
        for stage, count in zip(self._stages, DEALS_IN_STAGE, strict=True):
            for _ in range(count):
                yield from self._deal(stage, clients[number % len(clients)])
                number += 1

    def _deal(self, stage: StageRow, client: Client) -> Iterator[Happening]:
        way = self._way(stage)
        age = timedelta(days=self._random.uniform(0.3, 5) + 4 * len(way) * self._random.random())
        if stage.kind in ("won", "lost"):
            age += timedelta(days=self._random.uniform(0, 15))
        created = self._now - age
        ids: list[int] = []

        async def create() -> None:
            deal = await create_deal(self._database, client.owner, new, created)
            ids.append(deal.id)

        async def move(to: StageRow, at: datetime) -> None:
            await move_deal(self._database, client.owner, ids[0], to.id, None, at)

        async def note(text: str, at: datetime) -> None:
            await add_deal_note(self._database, client.owner, ids[0], text, at)

        new = self._new_deal(client, way[0], is_open=stage.kind in ("unsorted", "open"))
        yield created, create
        times = sorted(created + age * self._random.uniform(0.05, 0.95) for _ in way[1:])
        for to, at in zip(way[1:], times, strict=True):
            yield at, partial(move, to, at)
        for text in self._random.sample(NOTES, self._random.choice((0, 1, 1, 2, 3))):
            at = created + age * self._random.uniform(0.02, 0.98)
            yield at, partial(note, said(*text, client.contact.name), at)

    def _way(self, stage: StageRow) -> list[StageRow]:
        """The stages that a deal went through to get there."""
        way = [each for each in self._stages if each.kind in ("unsorted", "open")]
        if stage.kind == "won":
            return [*way[1:], stage]
        if stage.kind == "lost":
            return [*way[1 : self._random.randint(2, 4)], stage]
        return way[: 1 + way.index(stage)] if stage.kind == "unsorted" else way[1 : 1 + way.index(stage)]

    def _new_deal(self, client: Client, stage: StageRow, *, is_open: bool) -> NewDeal:
        russian, english, price = self._random.choice(GOODS)
        step = self._random.choice(NEXT_STEPS)
        planned = is_open and self._random.random() < 0.8
        due = self._now + timedelta(days=self._random.uniform(-2, 6))
        return NewDeal(
            title=said(russian, english, client.contact.name),
            stage_id=stage.id,
            contact_id=client.contact.id,
            amount=Decimal(round(price * self._random.uniform(0.6, 1.7), -3)) if stage.kind != "unsorted" else None,
            source=self._random.choice(SOURCES),
            priority="hot" if is_open and self._random.random() < 0.15 else "normal",
            next_step=said(*step, client.contact.name) if planned else None,
            next_step_at=_at_work(due).replace(minute=0, second=0, microsecond=0) if planned else None,
        )


async def _recorder(database: Database) -> Recorder:
    rules = Rules(await load_settings(database), await load_directory(database), REGION)
    return Recorder(database, lambda: rules)


def _calls(random: Random, clients: Sequence[Client], now: datetime, recorder: Recorder) -> Iterator[Happening]:
    """Calls of the last days: most were answered, some missed, some made, some of strangers."""

    async def record(call: PastCall) -> None:
        for event in call.events():
            await recorder.record(event)
        await recorder.drain()

    strangers = iter(random.sample(STRANGERS, 5))
    for number in range(CALLS):
        client = random.choice(clients)
        stranger = next(strangers, None) if number % 8 == 0 else None
        at = now - timedelta(days=random.uniform(0.01, CALL_DAYS))
        call = PastCall(
            at=_at_work(at) if at.date() < now.date() else at,
            direction=Direction.OUTBOUND if stranger is None and random.random() < 0.3 else Direction.INBOUND,
            number=client.number if stranger is None else f"790311199{number:02d}",
            extension=_extension(client.owner),
            name=stranger,
            wait=timedelta(seconds=random.randint(4, 20)),
            talk=timedelta(seconds=random.randint(20, 400)) if random.random() < 0.75 else None,
        )
        yield call.at, partial(record, call)


def _at_work(at: datetime) -> datetime:
    """The time moved into the working hours of its day (UTC); what came first stays first."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=WORK_BEGINS) + (at - midnight) * WORK_HOURS / 24


def _extension(viewer: Viewer) -> str:
    return next(person.extension for person in PEOPLE if person.login == viewer.login)
