"""What the dialplan is told of a caller."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from tests.pipeline.firm import IVAN, PBX, Firm
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.contacts import NewPhone, change_contact, create_contact
from zeoncrm.pipeline.incoming import list_number, load_incoming
from zeoncrm.pipeline.routing import LONGEST_NAME, Route, Router, shown_name
from zeoncrm.store import people
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database


def _router(firm: Firm, database: Database | None = None) -> Router:
    return Router(database or firm.database, firm.recorder._rules, (PBX, "branch"))


async def _contact(firm: Firm, login: str = "anna", name: str = "Ivan Petrov") -> ContactRow:
    return await create_contact(
        firm.database, firm.person(login), name=name, phones=[NewPhone(IVAN)], region="RU", at=firm.now
    )


async def _change(firm: Firm, login: str, **values: Any) -> None:
    async with firm.database.write() as tx:
        await people.change(tx, firm.person(login).id, **values)
    await firm.open()


async def test_a_known_caller_is_their_responsibles_first_extension(firm: Firm) -> None:
    await _contact(firm)
    assert await _router(firm).route("89031112233") == Route(extension="101", name="Ivan Petrov")


@pytest.mark.parametrize("number", ["79990001122", "anonymous", "", "101", "x" * 10_000, "\0"])
async def test_a_stranger_is_told_nothing_of(firm: Firm, number: str) -> None:
    await _contact(firm)
    assert await _router(firm).route(number) == Route()


@pytest.mark.parametrize("values", [{"away": True}, {"active": False}])
async def test_who_is_not_there_is_not_rung(firm: Firm, values: dict[str, bool]) -> None:
    await _contact(firm)
    await _change(firm, "anna", **values)
    assert await _router(firm).route(IVAN) == Route(name="Ivan Petrov")


async def test_the_extension_is_the_one_on_the_pbx_that_asks(firm: Firm) -> None:
    await _contact(firm, "boris")
    async with firm.database.write() as tx:
        await people.set_extensions(tx, firm.person("boris").id, [])
        await people.set_extensions(tx, firm.person("boris").id, ["2002"], "branch")
    await firm.open()
    assert (await _router(firm).route(IVAN)).extension is None
    assert (await _router(firm).route(IVAN, "branch")).extension == "2002"


async def test_an_important_caller_is_told_as_such(firm: Firm) -> None:
    contact = await _contact(firm)
    viewer = firm.person("anna")
    changed = await change_contact(
        firm.database, viewer, contact.id, {"vip": True}, contact.version, region="RU", at=firm.now
    )
    assert changed.vip
    assert (await _router(firm).route(IVAN)).vip


@pytest.mark.parametrize("listing, blocked", [(Screening.BLOCKED, True), (Screening.IGNORED, False)])
async def test_only_a_blocked_number_is_blocked(firm: Firm, listing: Screening, blocked: bool) -> None:
    sveta = firm.person("sveta")
    for number in (IVAN, "900"):
        await list_number(firm.database, sveta, number=number, listing=listing, note="", region="RU", at=firm.now)
    firm.incoming = await load_incoming(firm.database)
    assert await _router(firm).route(IVAN) == Route(blocked=blocked)
    assert (await _router(firm).route("900")).blocked is blocked


async def test_an_answer_takes_one_read_by_index(firm: Firm) -> None:
    await _contact(firm)
    router, seen = _router(firm), list[str]()

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if "contacts" in statement:
            seen.append(statement)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        await router.route(IVAN)
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
    [query] = seen
    if firm.database.is_sqlite:
        async with firm.database.read() as connection:
            plan = [row.detail for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (IVAN,))]
        assert len(plan) == 2
        assert all(step.startswith("SEARCH") for step in plan), plan


async def test_without_the_database_memory_answers_and_it_is_said_once(firm: Firm) -> None:
    await list_number(
        firm.database, firm.person("sveta"), number=IVAN, listing=Screening.BLOCKED, note="", region="RU", at=firm.now
    )
    firm.incoming = await load_incoming(firm.database)
    away = Database("postgresql://crm@127.0.0.1:1/away")
    router = _router(firm, away)
    with capture_logs() as logs:
        for _ in range(3):
            assert await router.route(IVAN) == Route(blocked=True)
    await away.close()
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert IVAN not in str(logs)


@pytest.mark.parametrize(
    "name, shown",
    [
        ("Иван O'Brien-Müller", "Иван O'Brien-Müller"),
        ('"Best" <Buy>, Ltd; rm -rf | $(x) ${EXTEN}', "Best Buy Ltd rm -rf x EXTEN"),
        ("\u202eevil\r\nHangup", "evil Hangup"),
        ("  ", ""),
        ("А" * 100, "А" * LONGEST_NAME),
        ("Stroy & Co (Moscow) №5", "Stroy Co Moscow 5"),
    ],
)
def test_a_name_is_shown_without_what_a_dialplan_would_act_on(name: str, shown: str) -> None:
    assert shown_name(name) == shown
