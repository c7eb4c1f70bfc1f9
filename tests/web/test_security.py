from __future__ import annotations

import io

import pytest
import yarl

from tests.web.world import World
from zeoncrm.web.assets import load_assets
from zeoncrm.web.security import HEADERS

DEAL = {"title": "Windows"}


async def test_a_browsers_change_needs_the_sessions_token(world: World) -> None:
    browser = await world.browser("anna")
    assert (await browser.post("/api/v1/deals", json=DEAL)).status == 201
    forged = await browser.post("/api/v1/deals", json=DEAL, forged=True)
    assert (forged.status, forged.headers["Content-Type"]) == (403, "application/problem+json; charset=utf-8")


async def test_the_token_of_another_session_does_not_do(world: World) -> None:
    browser, other = await world.browser("anna"), await world.browser("boris")
    answer = await browser.post("/api/v1/deals", json=DEAL, forged=True, headers=other.csrf_headers())
    assert answer.status == 403


async def test_a_forms_field_carries_the_token_as_well(world: World) -> None:
    browser = await world.browser("anna")
    token = next(iter(browser.csrf_headers().values()))
    assert (await browser.post("/logout", forged=True, data={"csrf_token": "wrong"})).status == 403
    assert (await browser.post("/logout", forged=True, data={"csrf_token": token})).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_change_from_another_site_is_refused_even_with_the_token(world: World, headers: dict[str, str]) -> None:
    browser = await world.browser("anna")
    assert (await browser.post("/api/v1/deals", json=DEAL, headers=headers)).status == 403


async def test_a_program_with_a_token_needs_no_other(world: World) -> None:
    program = await world.api("anna")
    assert (await program.post("/api/v1/deals", json=DEAL)).status == 201


@pytest.mark.parametrize("path", ["/login", "/api/v1/me", "/nowhere", "/healthz", "/static/x/nothing.js"])
async def test_every_answer_carries_the_headers(world: World, path: str) -> None:
    answer = await (await world.browser("anna")).get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Server" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_pages_are_not_kept_and_static_files_are_for_ever(world: World) -> None:
    browser = await world.browser()
    assert (await browser.get("/login")).headers["Cache-Control"] == "no-store"
    address = load_assets().url("css/tokens.css")
    assert "immutable" in (await browser.get(address)).headers["Cache-Control"]
    old = await browser.get("/static/0123456789ab/css/tokens.css")
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["../server.py", "..%2fserver.py", "%2e%2e/server.py", "/etc/passwd", "x%00"])
async def test_nothing_but_static_files_is_served_as_such(world: World, name: str) -> None:
    browser = await world.browser()
    async with browser.http.get(yarl.URL(f"{world.address}/static/x/{name}", encoded=True)) as answer:
        assert answer.status in (400, 404)


async def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    program = await world.api("anna")
    body = io.BytesIO(b'{"title": "' + b"x" * 1024 * 1024 + b'"}')
    answer = await program.post("/api/v1/deals", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["status"]) == (413, 413)


async def test_the_address_that_a_stranger_claims_is_not_believed(world: World) -> None:
    object.__setattr__(world.services, "trusted_proxies", ("192.0.2.0/24",))
    browser = await world.browser()
    wrong = {"login": "anna", "password": "wrong"}
    statuses = []
    for guess in range(6):
        headers = {"X-Forwarded-For": f"198.51.100.{guess}", "X-Forwarded-Proto": "https"}
        statuses.append((await browser.post("/login", data=wrong, headers=headers)).status)
    assert statuses == [401] * 5 + [429]


async def test_a_failure_that_nobody_foresaw_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("zeoncrm.web.api.deals.get_deal", broken)
    answer = await (await world.api("anna")).get("/api/v1/deals/1")
    assert answer.status == 500
    assert "secret" not in answer.text


async def test_a_proxys_own_password_does_not_hide_the_session_and_frees_nobody_from_the_token(world: World) -> None:
    browser, basic = await world.browser("anna"), {"Authorization": "Basic cHJveHk6eA=="}
    assert (await browser.get("/api/v1/me", headers=basic)).json["login"] == "anna"
    assert (await browser.post("/api/v1/deals", json=DEAL, headers=basic, forged=True)).status == 403


async def test_a_token_that_holds_no_longer_does_not_fall_back_to_the_cookie(world: World) -> None:
    browser = await world.browser("anna")
    answer = await browser.post("/api/v1/deals", json=DEAL, headers={"Authorization": "Bearer x"}, forged=True)
    assert answer.status == 401


@pytest.mark.parametrize(
    "kind, body",
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\n\xff\r\n--x--',
        ),
        ("application/x-www-form-urlencoded; charset=nonsense", b"login=x"),
        ("application/x-www-form-urlencoded", b"login=\xff\xfe&password=%FF"),
        ("application/json", b"{}"),
        ("text/plain", b""),
    ],
)
async def test_a_form_that_can_not_be_read_is_the_senders_mistake(world: World, kind: str, body: bytes) -> None:
    answer = await (await world.browser()).post("/login", data=body, headers={"Content-Type": kind})
    assert 400 <= answer.status < 500
    answer = await (await world.browser("anna")).post("/logout", data=body, headers={"Content-Type": kind}, forged=True)
    assert 400 <= answer.status < 500
