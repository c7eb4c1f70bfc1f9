"""People: log-ins, extensions, outside numbers, and which extension is whose."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.firm import Firm
from zeoncrm.pipeline import events
from zeoncrm.pipeline.errors import Forbidden, Invalid, NotFound
from zeoncrm.pipeline.people import Directory, Role, add_person, change_person, load_directory
from zeoncrm.store import people as store
from zeoncrm.store.people import PersonRow


async def _add(firm: Firm, login: str = "vera", /, **more: Any) -> int:
    values: dict[str, Any] = {
        "name": "Vera",
        "role": Role.REP,
        "password_hash": None,
        "extensions": [],
        "outside": [],
        **more,
    }
    return await add_person(firm.database, login=login, region="RU", at=firm.tick(), **values)


async def _change(firm: Firm, person_id: int, **more: Any) -> None:
    values: dict[str, Any] = {
        "name": "Vera",
        "role": Role.REP,
        "active": True,
        "extensions": [],
        "outside": [],
        **more,
    }
    await change_person(firm.database, person_id, region="RU", **values)


@pytest.mark.parametrize("login", ["", "Anna", "vera ivanova", "вера", "-vera", "v" * 65, "vera\0", "\ud800", "anna"])
async def test_a_login_that_is_bad_or_taken_is_refused(firm: Firm, login: str) -> None:
    with pytest.raises(Invalid) as refused:
        await _add(firm, login)
    assert refused.value.field == "login"


@pytest.mark.parametrize(
    "field, value",
    [
        ("extensions", ["10a"]),
        ("extensions", [""]),
        ("extensions", ["1" * 21]),
        ("extensions", ["101&102"]),
        ("extensions", ["٣"]),
        ("extensions", ["101"]),
        ("outside", ["101"]),
        ("outside", ["nonsense"]),
        ("name", " "),
        ("name", "x" * 201),
    ],
)
async def test_what_can_not_be_a_persons_is_refused_by_the_name_of_the_field(
    firm: Firm, field: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        await _add(firm, **{field: value})
    assert refused.value.field == field
    assert (await load_directory(firm.database)).version == firm.directory.version


async def test_an_outside_number_is_one_persons_however_it_is_written(firm: Firm) -> None:
    await _add(firm, "vera", outside=["8 903 111-22-33"], extensions=["104"])
    with pytest.raises(Invalid) as refused:
        await _add(firm, "oleg", outside=["+79031112233"])
    assert refused.value.field == "outside"
    numbering = (await load_directory(firm.database)).numbering("main", "RU", ["PJSIP/carrier*"])
    assert numbering.outside == {"+79031112233": "104"}
    assert (numbering.trunks, "104" in numbering.extensions) == (("PJSIP/carrier*",), True)


async def test_the_directory_follows_changes_and_its_version_rises(firm: Firm) -> None:
    person = await _add(firm, extensions=["104", "105"])
    directory = await load_directory(firm.database)
    assert directory.version > firm.directory.version
    assert directory.extensions_of(person, "main") == ("104", "105")
    assert (directory.login(person), directory.name(person)) == ("vera", "Vera")
    await _change(firm, person, extensions=["105", "106"], name="Vera P.")
    changed = await load_directory(firm.database)
    assert changed.version > directory.version
    assert [changed.person_with(number, "main") is not None for number in ("104", "105", "106")] == [False, True, True]
    assert len(firm.heard(events.PeopleChanged)) == 2


async def test_who_is_switched_off_has_no_extension_any_more_but_keeps_it(firm: Firm) -> None:
    anna = firm.person("anna").id
    await _change(firm, anna, active=False, extensions=["101"])
    directory = await load_directory(firm.database)
    assert directory.person_with("101", "main") is None
    assert "101" not in directory.numbering("main", "RU", []).extensions
    with pytest.raises(Invalid):
        await _add(firm, extensions=["101"])


async def test_somebody_stays_an_administrator(firm: Firm) -> None:
    admin = await _add(firm, "ada", role=Role.ADMIN)
    for change in ({"role": Role.REP}, {"role": Role.ADMIN, "active": False}):
        with pytest.raises(Invalid) as refused:
            await _change(firm, admin, **change)
        assert refused.value.field == "role"
    await _add(firm, "bob", role=Role.ADMIN)
    await _change(firm, admin, role=Role.REP)


@pytest.mark.parametrize("person_id", [0, 999, 10**40])
async def test_who_is_nobody_can_not_be_changed(firm: Firm, person_id: int) -> None:
    with pytest.raises(NotFound):
        await _change(firm, person_id)


@pytest.mark.parametrize("login", ["anna\0", "\ud800", "nobody"])
async def test_a_login_of_nobody_is_nobodys(firm: Firm, login: str) -> None:
    async with firm.database.read() as connection:
        assert await store.by_login(connection, login) is None


def test_an_extension_may_be_on_one_pbx_alone() -> None:
    def person(person_id: int, *extensions: tuple[str, str]) -> PersonRow:
        return PersonRow(person_id, f"p{person_id}", f"P{person_id}", "rep", None, None, True, False, extensions)

    directory = Directory.of(1, [person(1, ("", "101")), person(2, ("branch", "101")), person(3, ("branch", "102"))])
    owners = {
        (number, pbx): getattr(directory.person_with(number, pbx), "id", None)
        for number in ("101", "102")
        for pbx in ("main", "branch")
    }
    assert owners == {("101", "main"): 1, ("101", "branch"): 2, ("102", "main"): None, ("102", "branch"): 3}
    assert directory.extensions_of(3, "main") == ()


def test_roles_say_what_one_may_do(firm: Firm) -> None:
    rep, supervisor = firm.person("anna"), firm.person("sveta")
    assert (rep.scope, rep.sees_all, supervisor.scope, supervisor.sees_all) == (rep.id, False, None, True)
    supervisor.must_supervise()
    with pytest.raises(Forbidden):
        rep.must_supervise()
    with pytest.raises(Forbidden):
        supervisor.must_administer()
