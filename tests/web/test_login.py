from __future__ import annotations

import asyncio

import pytest

from tests.web.world import World, password_of
from zeoncrm.pipeline.passwords import secret_hash
from zeoncrm.pipeline.people import Role, change_person
from zeoncrm.store import people, sessions
from zeoncrm.store.errors import StoreError
from zeoncrm.web.cookies import COOKIE, SECURE_COOKIE
from zeoncrm.web.sessions import IDLE, LONGEST, PROLONG_EVERY

ME = "/api/v1/me"


async def test_a_person_logs_in_and_out(world: World) -> None:
    browser = await world.browser()
    answer = await browser.post("/login", data={"login": " Anna", "password": password_of("anna")})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    answer = await browser.get("/login")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await browser.get(ME)).json["login"] == "anna"
    assert (await browser.post("/logout")).headers["Location"] == "/login"
    assert (await browser.get("/login")).status == 200
    assert (await browser.get(ME)).status == 401


async def test_a_wrong_password_and_an_unknown_login_are_answered_alike(world: World) -> None:
    browser = await world.browser()
    texts = set()
    for login in ("anna", "nobody"):
        answer = await browser.post("/login", data={"login": login, "password": "wrong"})
        assert answer.status == 401
        texts.add(answer.text.replace(login, "?"))
    assert len(texts) == 1


async def test_a_login_with_nul_or_of_great_length_is_just_wrong(world: World) -> None:
    browser = await world.browser()
    for login in ("an\0na", "a" * 100_000, ""):
        answer = await browser.post("/login", data={"login": login, "password": "x\0" * 1000})
        assert answer.status == 401


async def test_the_login_goes_on_to_a_page_of_ours_only(world: World) -> None:
    for asked, gone_to in (
        ("/deals/7?x=1", "/deals/7?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
    ):
        browser = await world.browser()
        form = {"login": "anna", "password": password_of("anna"), "next": asked}
        assert (await browser.post("/login", data=form)).headers["Location"] == gone_to


async def test_another_sites_form_can_not_log_anybody_in(world: World) -> None:
    browser = await world.browser()
    form = {"login": "anna", "password": password_of("anna")}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert (await browser.post("/login", data=form, headers=headers)).status == 403


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    browser = await world.browser()
    answer = await browser.post("/login", data={"login": "anna", "password": password_of("anna")})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


async def test_behind_an_https_proxy_the_cookie_is_secure_and_bound_to_the_host(world: World) -> None:
    browser = await world.browser()
    form = {"login": "anna", "password": password_of("anna")}
    answer = await browser.post("/login", data=form, headers={"X-Forwarded-Proto": "https"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_the_database_does_not_have_the_key(world: World) -> None:
    browser = await world.browser("anna")
    key = browser.cookie() or ""
    async with world.database.read() as connection:
        assert await sessions.load(connection, key, world.clock()) is None
        assert await sessions.load(connection, secret_hash(key), world.clock()) is not None


async def test_each_log_in_has_a_new_key_and_ends_the_session_before(world: World) -> None:
    browser = await world.browser("anna")
    first = browser.cookie()
    await browser.post("/login", data={"login": "anna", "password": password_of("anna")})
    assert browser.cookie() not in (None, first)
    assert (await browser.get(ME)).status == 200
    old = await (await world.browser()).get(ME, headers={"Cookie": f"{COOKIE}={first}"})
    assert old.status == 401


async def test_a_key_that_a_stranger_planted_is_not_taken_over(world: World) -> None:
    browser = await world.browser()
    planted = {"Cookie": f"{COOKIE}=planted"}
    await browser.post("/login", data={"login": "anna", "password": password_of("anna")}, headers=planted)
    assert (await (await world.browser()).get(ME, headers=planted)).status == 401


async def test_a_session_ends_when_it_is_not_used(world: World) -> None:
    browser = await world.browser("anna")
    world.clock.tick(seconds=IDLE.total_seconds() + 1)
    assert (await browser.get(ME)).status == 401


async def test_a_session_that_is_used_goes_on_but_not_for_ever(world: World) -> None:
    browser = await world.browser("anna")
    started, step = world.clock(), (IDLE - PROLONG_EVERY).total_seconds()
    while world.clock.tick(seconds=step) < started + LONGEST:
        assert (await browser.get(ME)).status == 200
    assert (await browser.get(ME)).status == 401


async def test_who_is_switched_off_is_out_at_once_by_session_and_token(world: World) -> None:
    browser, program = await world.browser("anna"), await world.api("anna")
    async with world.database.write() as tx:
        await people.change(tx, world.person("anna").id, active=False)
    assert (await browser.get(ME)).status == 401
    assert (await program.get(ME)).status == 401
    answer = await (await world.browser()).post("/login", data={"login": "anna", "password": password_of("anna")})
    assert answer.status == 401


async def test_switching_somebody_off_revokes_their_sessions(world: World) -> None:
    browser, anna = await world.browser("anna"), world.person("anna")
    for active in (False, True):
        await change_person(
            world.database,
            anna.id,
            name=anna.name,
            role=Role.REP,
            active=active,
            extensions=["101"],
            outside=[],
            region="RU",
        )
    assert (await browser.get(ME)).status == 401


async def test_a_revoked_token_is_refused(world: World) -> None:
    program = await world.api("anna")
    assert (await program.get(ME)).status == 200
    async with world.database.write() as tx:
        token_id = (await sessions.tokens_of(tx.connection, world.person("anna").id))[0][0]
        await sessions.revoke_token(tx, world.person("anna").id, token_id, world.clock())
    assert (await program.get(ME)).status == 401


async def test_a_token_opens_the_api_alone(world: World) -> None:
    program = await world.api("anna")
    assert (await program.get("/")).status in (303, 404)
    assert (await program.get("/login")).status == 200


async def test_guessing_is_slowed_down_and_answered_with_when_to_try_again(world: World) -> None:
    browser = await world.browser()
    wrong = {"login": "anna", "password": "wrong"}
    statuses = [(await browser.post("/login", data=wrong)).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    right = {"login": "anna", "password": password_of("anna")}
    refused = await browser.post("/login", data=right)
    assert refused.status == 429
    world.clock.tick(seconds=int(refused.headers["Retry-After"]))
    assert (await browser.post("/login", data=right)).status == 303


async def test_guesses_at_the_same_moment_are_counted_before_they_are_checked(world: World) -> None:
    browser = await world.browser()
    wrong = {"login": "anna", "password": "wrong"}
    answers = await asyncio.gather(*(browser.post("/login", data=wrong) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_an_unknown_login_is_slowed_down_like_a_known_one(world: World) -> None:
    browser = await world.browser()
    wrong = {"login": "nobody", "password": "wrong"}
    statuses = [(await browser.post("/login", data=wrong)).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_somebody_elses_guesses_from_elsewhere_do_not_lock_a_person_out(world: World) -> None:
    browser = await world.browser()
    for guess in range(8):
        headers = {"X-Forwarded-For": f"198.51.100.{guess}"}
        await browser.post("/login", data={"login": "anna", "password": "wrong"}, headers=headers)
    right = {"login": "anna", "password": password_of("anna")}
    assert (await browser.post("/login", data=right, headers={"X-Forwarded-For": "203.0.113.7"})).status == 303


async def test_people_read_on_when_their_session_can_not_be_prolonged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await world.browser("anna")
    world.clock.tick(hours=1)

    async def full(*args: object) -> None:
        raise StoreError("disk is full")

    monkeypatch.setattr(sessions, "save", full)
    assert (await browser.get(ME)).status == 200
    assert (await (await world.browser()).post("/login", data={"login": "anna", "password": "x"})).status == 401
    right = {"login": "anna", "password": password_of("anna")}
    refused = await (await world.browser()).post("/login", data=right)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
