"""Deals: made by people and by calls, dragged along the funnel. Rights are part of each query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from zeoncrm.pipeline.deal_fields import CHECKS
from zeoncrm.pipeline.errors import Invalid, NotFound, Stale
from zeoncrm.pipeline.events import DealChanged, DealCreated, DealMoved, NoteWritten, concerning
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.stages import StageKind, unsorted_stage
from zeoncrm.pipeline.texts import lines
from zeoncrm.store import contacts, people, stages, timeline
from zeoncrm.store import deals as store
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.deals import DealRow
from zeoncrm.store.paging import Page
from zeoncrm.store.stages import StageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeal:
    """What a person says of a new deal; the stage is the pipeline's first when not given."""

    title: str
    pipeline_id: int | None = None
    stage_id: int | None = None
    owner_id: int | None = None
    contact_id: int | None = None
    company_id: int | None = None
    type: str | None = None
    amount: Decimal | None = None
    currency: str = "RUB"
    source: str | None = None
    priority: str = "normal"
    next_step: str | None = None
    next_step_at: datetime | None = None


async def get_deal(database: Database, viewer: Viewer, deal_id: int) -> DealRow:
    """A deal; raises NotFound when there is none or it is not the viewer's to see."""
    async with database.read() as connection:
        deal = await store.one(connection, deal_id, viewer.scope)
    if deal is None:
        raise NotFound("no such deal")
    return deal


async def find_deals(
    database: Database,
    viewer: Viewer,
    *,
    pipeline_id: int | None = None,
    stage_id: int | None = None,
    owner_id: int | None = None,
    query: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[DealRow]:
    """The viewer's deals (a supervisor's: all), the newest first; `owner_id` 0: nobody's. Raises BadCursor."""
    async with database.read() as connection:
        return await store.search(
            connection,
            scope=viewer.scope,
            pipeline_id=pipeline_id,
            stage_id=stage_id,
            owner_id=owner_id,
            query=query,
            limit=limit,
            cursor=cursor,
        )


async def deals_of_contact(database: Database, viewer: Viewer, contact_id: int) -> list[DealRow]:
    """Those of a contact's deals that the viewer may see, open ones first, the newest first."""
    async with database.read() as connection:
        return await store.of_contact(connection, contact_id, viewer.scope)


async def create_deal(database: Database, viewer: Viewer, new: NewDeal, at: datetime) -> DealRow:
    """Make a deal; a rep's is their own.

    Raises:
        Invalid: no such stage, owner, contact or company (or not the viewer's), a bad title or amount.
    """
    async with database.write() as tx:
        return await add_deal(tx, viewer, new, at)


async def add_deal(
    tx: Transaction,
    viewer: Viewer,
    new: NewDeal,
    at: datetime,
    *,
    call_id: str | None = None,
    open_contact_id: int | None = None,
) -> DealRow:
    """Make a deal as part of something larger, raises as `create_deal`.

    `call_id`: the call that it comes from. `open_contact_id`: a contact that it may be for though the viewer does not
    see it yet.
    """
    stage = await _stage_for(tx, new)
    owner_id = new.owner_id if viewer.sees_all and new.owner_id is not None else viewer.id
    values = {name: check(name, getattr(new, name)) for name, check in CHECKS.items()} | {"owner_id": owner_id}
    open_contact = new.contact_id is not None and new.contact_id == open_contact_id
    await _check_references(tx, viewer, {**values, "contact_id": None} if open_contact else values)
    if values["contact_id"] is not None and values["company_id"] is None:
        contact = await contacts.one(tx.connection, values["contact_id"])
        values["company_id"] = contact.company_id if contact else None
    deal_id = await store.add(
        tx,
        pipeline_id=stage.pipeline_id,
        stage_id=stage.id,
        created_at=at,
        stage_entered_at=at,
        closed_at=at if StageKind(stage.kind).closed else None,
        **values,
    )
    await timeline.add(tx, "created", at=at, deal_id=deal_id, contact_id=new.contact_id, author_id=viewer.id)
    deal = await _read(tx, deal_id)
    tx.emit(DealCreated(people=concerning(deal.owner_id), deal=deal, call_id=call_id))
    return deal


async def move_deal(
    database: Database, viewer: Viewer, deal_id: int, stage_id: int, version: int | None, at: datetime
) -> DealRow:
    """Put a deal into another stage of its pipeline.

    Raises:
        NotFound: no such deal for the viewer. Invalid: no such stage in the deal's pipeline.
        Stale: somebody changed the deal since `version` (None: whatever the version is).
    """
    return await change_deal(database, viewer, deal_id, {"stage_id": stage_id}, version, at)


async def change_deal(
    database: Database, viewer: Viewer, deal_id: int, changes: dict[str, Any], version: int | None, at: datetime
) -> DealRow:
    """Change what is given of a deal, stage included, all or nothing.

    Raises:
        NotFound, Stale, Invalid: as for `move_deal`; Invalid also for a value or a key that can't be set.
    """
    async with database.write() as tx:
        deal = await store.one(tx.connection, deal_id, viewer.scope)
        if deal is None:
            raise NotFound("no such deal")
        if version is not None and deal.version != version:
            raise Stale(deal)
        values = await _checked(tx, viewer, deal, changes, at)
        if not values:
            return deal
        if not await store.change(tx, deal, **values):
            raise Stale(await _read(tx, deal_id))
        changed = await _read(tx, deal_id)
        await _tell(tx, viewer, deal, changed, at)
    return changed


async def add_deal_note(database: Database, viewer: Viewer, deal_id: int, text: str, at: datetime) -> None:
    """Write a note on a deal; raises NotFound, or Invalid for an empty or overlong one."""
    async with database.write() as tx:
        deal = await store.one(tx.connection, deal_id, viewer.scope)
        if deal is None:
            raise NotFound("no such deal")
        await timeline.add(
            tx, "note", at=at, deal_id=deal.id, contact_id=deal.contact_id, author_id=viewer.id, text=checked_note(text)
        )
        tx.emit(
            NoteWritten(people=concerning(deal.owner_id), deal_id=deal.id, contact_id=deal.contact_id, call_id=None)
        )


def checked_note(text: str, field: str = "text") -> str:
    """The note as it is kept; raises Invalid."""
    cleaned = lines(text)
    if not cleaned or len(cleaned) > 10_000:
        raise Invalid(field, "a note has 1 to 10,000 characters")
    return cleaned


async def _checked(
    tx: Transaction, viewer: Viewer, deal: DealRow, changes: dict[str, Any], at: datetime
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in changes.items():
        if key == "stage_id":
            continue
        if key not in CHECKS:
            raise Invalid(key, "this can't be set")
        checked = CHECKS[key](key, value)
        if checked != getattr(deal, key):
            values[key] = checked
    if "owner_id" in values and not viewer.sees_all:
        raise Invalid("owner", "only a supervisor gives a deal to somebody else")
    await _check_references(tx, viewer, values)
    if "contact_id" in values:
        # No more the deal of the calls of the contact that it was made for.
        values["call_contact_id"] = None
    stage_id = changes.get("stage_id")
    if stage_id is not None and stage_id != deal.stage_id:
        values |= await _into_stage(tx, deal, stage_id, at)
    return values


async def _into_stage(tx: Transaction, deal: DealRow, stage_id: int, at: datetime) -> dict[str, Any]:
    stage = await stages.stage(tx.connection, stage_id)
    if stage is None or stage.pipeline_id != deal.pipeline_id:
        raise Invalid("stage_id", "no such stage in the deal's pipeline")
    values: dict[str, Any] = {"stage_id": stage.id, "stage_entered_at": at}
    if StageKind(stage.kind).closed:
        values |= {"closed_at": deal.closed_at or at, "call_contact_id": None}
    else:
        values["closed_at"] = None
    return values


async def _tell(tx: Transaction, viewer: Viewer, before: DealRow, after: DealRow, at: datetime) -> None:
    """Timeline and events of a change."""
    entry: dict[str, Any] = {"deal_id": after.id, "contact_id": after.contact_id, "author_id": viewer.id, "at": at}
    audience = concerning(before.owner_id, after.owner_id)
    if before.stage_id != after.stage_id:
        await timeline.add(tx, "moved", data={"from": before.stage, "to": after.stage}, **entry)
        tx.emit(DealMoved(people=audience, deal=after, from_stage_id=before.stage_id, by=viewer.id))
    fields = [key for key in sorted(CHECKS) if getattr(before, key) != getattr(after, key)]
    if fields:
        await timeline.add(tx, "changed", data=_changes(before, after, fields), **entry)
        tx.emit(DealChanged(people=audience, deal=after, previous_owner_id=before.owner_id))


def _changes(before: DealRow, after: DealRow, fields: list[str]) -> dict[str, Any]:
    shown = {"owner_id": "owner_name", "contact_id": "contact", "company_id": "company"}

    def text(deal: DealRow, key: str) -> str | None:
        value = getattr(deal, shown.get(key, key))
        return None if value is None else str(value)

    return {key.removesuffix("_id"): [text(before, key), text(after, key)] for key in fields}


async def _stage_for(tx: Transaction, new: NewDeal) -> StageRow:
    pipelines = await stages.all_pipelines(tx.connection)
    if new.stage_id is not None:
        for pipeline in pipelines:
            for stage in pipeline.stages:
                if stage.id == new.stage_id and new.pipeline_id in (None, pipeline.id):
                    return stage
        raise Invalid("stage_id", "no such stage")
    for pipeline in pipelines:
        if new.pipeline_id in (None, pipeline.id):
            return unsorted_stage(pipeline)
    raise Invalid("pipeline_id", "no such pipeline")


async def _check_references(tx: Transaction, viewer: Viewer, values: dict[str, Any]) -> None:
    owner_id, contact_id, company_id = (values.get(key) for key in ("owner_id", "contact_id", "company_id"))
    if owner_id is not None:
        owner = await people.by_id(tx.connection, owner_id)
        if owner is None or not owner.active:
            raise Invalid("owner", "no such person")
    if contact_id is not None and await contacts.one(tx.connection, contact_id, viewer.scope) is None:
        raise Invalid("contact_id", "no such contact")
    if company_id is not None and await contacts.company_name(tx.connection, company_id, viewer.scope) is None:
        raise Invalid("company_id", "no such company")


async def _read(tx: Transaction, deal_id: int) -> DealRow:
    deal = await store.one(tx.connection, deal_id)
    if deal is None:
        raise NotFound("no such deal")
    return deal
