"""Settings: one's own, the calls', and people's."""

from __future__ import annotations

import re

import pytest

from tests.web.world import World, password_of
from zeoncrm.pipeline.settings import DealCreation, load_settings
from zeoncrm.store import people


async def test_language_and_colours_are_ones_own(world: World) -> None:
    anna = await world.browser("anna")
    answer = await anna.post("/settings/profile", data={"language": "ru", "theme": "dark"})
    assert answer.status == 303
    text = (await anna.get("/board")).text
    assert '<html lang="ru" data-theme="dark">' in text
    assert "Неразобранное" in text
    await anna.post("/settings/profile", data={"language": "", "theme": ""})
    assert '<html lang="en">' in (await anna.get("/board")).text


async def test_another_password_needs_the_old_one_and_ends_the_other_sessions(world: World) -> None:
    here, there = await world.browser("anna"), await world.browser("anna")
    wrong = await here.post("/settings/profile/password", data={"old": "guess", "password": "a longer one"})
    assert (wrong.status, "This is not your password" in wrong.text) == (422, True)
    short = await here.post("/settings/profile/password", data={"old": password_of("anna"), "password": "short"})
    assert (short.status, "A password has 8 to 256 characters" in short.text) == (422, True)
    form = {"old": password_of("anna"), "password": "a longer one"}
    assert (await here.post("/settings/profile/password", data=form)).status == 303
    assert (await here.get("/board")).status == 200
    assert (await there.get("/board")).headers["Location"].startswith("/login")
    login = await (await world.browser()).post("/login", data={"login": "anna", "password": "a longer one"})
    assert login.headers["Location"] == "/"


async def test_logging_out_everywhere_means_here_too(world: World) -> None:
    here, there = await world.browser("anna"), await world.browser("anna")
    assert (await here.post("/settings/profile/sessions")).headers["Location"] == "/login"
    for browser in (here, there):
        assert (await browser.get("/board")).status == 303


async def test_a_token_is_shown_once_works_and_can_be_revoked(world: World) -> None:
    anna = await world.browser("anna")
    made = await anna.post("/settings/profile/tokens")
    token = re.search(r"<code>([^<]+)</code>", made.text)
    assert token is not None
    stranger = await world.browser()
    bearer = {"Authorization": f"Bearer {token[1]}"}
    assert (await stranger.get("/api/v1/me", headers=bearer)).json["login"] == "anna"
    again = (await anna.get("/settings/profile")).text
    assert token[1] not in again
    revoke = re.search(r"/settings/profile/tokens/\d+/revoke", again)
    assert revoke is not None
    await anna.post(revoke[0])
    assert (await stranger.get("/api/v1/me", headers=bearer)).status == 401


async def test_a_supervisor_settles_when_calls_make_deals(world: World) -> None:
    sveta = await world.browser("sveta")
    form = {
        "create_deals": "inbound",
        "create_deals_on_outbound": "1",
        "allowed_prefixes": "+375, +49",
        "currency": "eur",
    }
    assert (await sveta.post("/settings/calls", data=form)).status == 303
    settings = await load_settings(world.database)
    assert settings.create_deals is DealCreation.INBOUND
    assert settings.create_deals_on_outbound
    assert (settings.allowed_prefixes, settings.currency) == (("+375", "+49"), "EUR")


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"allowed_prefixes": "375"}, "a beginning of a number is + and digits"),
        ({"currency": "EURO"}, "a currency is three letters"),
        ({"create_deals": "sometimes"}, "this can&#39;t be set"),
    ],
)
async def test_settings_that_cant_be_are_refused_and_kept_in_the_form(
    world: World, wrong: dict[str, str], words: str
) -> None:
    sveta = await world.browser("sveta")
    form = {"create_deals": "never", "allowed_prefixes": "+49", "currency": "EUR"} | wrong
    answer = await sveta.post("/settings/calls", data=form)
    assert answer.status == 422
    assert words.lower() in answer.text.lower()
    assert await load_settings(world.database) == world.settings


async def test_a_rep_settles_nothing_for_others(world: World) -> None:
    anna, sveta = await world.browser("anna"), await world.browser("sveta")
    for path in ("/settings/calls", "/settings/people", "/settings/people/new", "/settings/people/2"):
        assert (await anna.get(path)).status == 403
    assert (await sveta.get("/settings/people")).status == 403


async def test_an_admin_adds_somebody_who_can_log_in(world: World) -> None:
    ada = await world.browser("ada")
    form = {"name": "Gleb", "login": "Gleb", "role": "rep", "extensions": "105 106", "outside": "8 903 999-88-77"}
    answer = await ada.post("/settings/people/new", data=form | {"password": "gleb's password"})
    assert answer.status == 303
    await world.refresh()
    row = next(row for row in world.directory.rows if row.login == "gleb")
    assert (row.extensions, row.outside) == ((("", "105"), ("", "106")), ("+79039998877",))
    assert (await (await world.browser("gleb")).get("/board")).status == 200
    assert "8 (903) 999-88-77" in (await ada.get("/settings/people")).text


async def test_an_extension_that_two_people_claim_is_told_to_an_admin(world: World) -> None:
    ada = await world.browser("ada")
    assert "Two people claim" not in (await ada.get("/settings/people")).text
    async with world.database.write() as tx:
        await people.set_extensions(tx, world.person("boris").id, ["101"], pbx="main")
    text = (await ada.get("/settings/people")).text.replace("&#39;", "'")
    assert "Two people claim 101: on main it is boris's, on every other PBX anna's." in text


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"login": "anna"}, "This login is taken"),
        ({"extensions": "101"}, "101 is the extension of Anna Ivanova already"),
        ({"extensions": "12a"}, "Not an extension: 12a"),
        ({"outside": "call me"}, "Not a telephone number: call me"),
        ({"role": "king"}, "No such role"),
        ({"password": "short"}, "A password has 8 to 256 characters"),
        ({"name": " "}, "A name has 1 to 200 characters"),
    ],
)
async def test_a_form_that_is_wrong_says_where_and_keeps_the_rest(
    world: World, wrong: dict[str, str], words: str
) -> None:
    ada = await world.browser("ada")
    form = {"name": "Gleb", "login": "gleb", "role": "rep", "extensions": "105", "outside": "", "password": ""} | wrong
    answer = await ada.post("/settings/people/new", data=form)
    assert answer.status == 422
    assert words in answer.text
    assert f'value="{form["extensions"]}"' in answer.text


async def test_somebody_who_is_switched_off_is_out_at_once(world: World) -> None:
    ada, boris = await world.browser("ada"), await world.browser("boris")
    form = {"name": "Boris", "role": "rep", "extensions": "102"}
    assert (await ada.post(f"/settings/people/{world.person('boris').id}", data=form)).status == 303
    assert (await boris.get("/board")).status == 303
    assert "switched off" in (await ada.get("/settings/people")).text


async def test_the_last_admin_stays_one(world: World) -> None:
    ada = await world.browser("ada")
    form = {"name": "Ada", "role": "rep", "active": "1"}
    answer = await ada.post(f"/settings/people/{world.person('ada').id}", data=form)
    assert answer.status == 422
    assert "Somebody must stay an administrator" in answer.text


async def test_a_new_password_from_the_admin_ends_the_sessions(world: World) -> None:
    ada, boris = await world.browser("ada"), await world.browser("boris")
    form = {"name": "Boris", "role": "rep", "extensions": "102", "active": "1", "password": "given by ada"}
    await ada.post(f"/settings/people/{world.person('boris').id}", data=form)
    assert (await boris.get("/board")).status == 303
    async with world.database.read() as connection:
        row = await people.by_login(connection, "boris")
    assert row is not None
    assert await world.services.passwords.matches(row.password_hash, "given by ada")
