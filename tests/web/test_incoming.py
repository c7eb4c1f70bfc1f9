"""Rules for incoming calls and listed numbers, by the API and by the supervisor's pages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.web.world import World
from zeoncrm.pipeline.call_events import CallResult
from zeoncrm.store import people

RULES, NUMBERS = "/api/v1/incoming-rules", "/api/v1/listed-numbers"
IVAN = "+79031112233"
FORM = {"name": "Night", "active": "1", "callers": "any", "missed_owner": "responsible"}


async def _rule(world: World, name: str = "Night", **values: Any) -> Any:
    answer = await (await world.api("sveta")).post(RULES, json={"name": name, **values})
    assert answer.status == 201, answer.text
    await world.refresh()
    return answer.json


async def _names(world: World) -> list[str]:
    return [rule["name"] for rule in (await (await world.api("sveta")).get(RULES)).json["items"]]


async def test_a_rule_is_kept_as_it_is_sent(world: World) -> None:
    sent: dict[str, Any] = {
        "dids": ["4952150000"],
        "queues": ["sales"],
        "weekdays": [1, 5],
        "begins": "22:00",
        "ends": "06:30",
        "callers": "unknown",
        "pipeline_id": 1,
        "source": "Billboard",
        "create_deals": "inbound",
        "missed_owner": "group",
        "group": ["boris", "anna"],
    }
    rule = await _rule(world, **sent)
    assert rule == {"id": rule["id"], "name": "Night", "active": True, "person": None, **sent}
    [listed] = (await (await world.api("sveta")).get(RULES)).json["items"]
    assert listed == rule


async def test_a_change_leaves_the_rest_as_it_is(world: World) -> None:
    rule = await _rule(world, begins="22:00", missed_owner="person", person="boris")
    sveta = await world.api("sveta")
    changed = (await sveta.patch(f"{RULES}/{rule['id']}", {"active": False})).json
    assert changed == rule | {"active": False}
    changed = (await sveta.patch(f"{RULES}/{rule['id']}", {"missed_owner": "responsible"})).json
    assert (changed["person"], changed["begins"]) == (None, "22:00")
    assert (await sveta.request("DELETE", f"{RULES}/{rule['id']}")).status == 204
    assert (await sveta.patch(f"{RULES}/{rule['id']}", {"active": True})).status == 404


async def test_the_order_is_changed_as_a_whole(world: World) -> None:
    one, two = [(await _rule(world, name))["id"] for name in ("one", "two")]
    sveta = await world.api("sveta")
    answer = await sveta.put(f"{RULES}/order", {"ids": [two, one]})
    assert [rule["name"] for rule in answer.json["items"]] == ["two", "one"]
    answer = await sveta.put(f"{RULES}/order", {"ids": [two]})
    assert (answer.status, answer.json["field"]) == (422, "ids")


@pytest.mark.parametrize(
    "field, value",
    [("begins", "24:00"), ("person", "nobody"), ("group", ["nobody"]), ("weekdays", [8]), ("name", ""), ("luck", 1)],
)
async def test_a_wrong_field_is_named(world: World, field: str, value: Any) -> None:
    kind = {"person": "person", "group": "group"}.get(field, "responsible")
    body = {"name": "Night", "missed_owner": kind, field: value}
    answer = await (await world.api("sveta")).post(RULES, json=body)
    assert (answer.status, answer.json["field"].partition(".")[0]) == (422, field)


@pytest.mark.parametrize(
    "field, values",
    [
        ("person", {"missed_owner": "person"}),
        ("person", {"missed_owner": "person", "person": None}),
        ("group", {"missed_owner": "group"}),
        ("pipeline_id", {"pipeline_id": 99}),
        ("source", {"source": "x" * 65}),
        ("dids", {"dids": ["1" * 81]}),
        ("name", {"name": " "}),
    ],
)
async def test_a_rule_is_refused_by_a_field_as_it_is_sent(world: World, field: str, values: dict[str, Any]) -> None:
    sveta, rule = await world.api("sveta"), await _rule(world)
    for answer in (
        await sveta.post(RULES, json={"name": "Night", **values}),
        await sveta.patch(f"{RULES}/{rule['id']}", values),
    ):
        assert (answer.status, answer.json["field"]) == (422, field)


async def test_a_rule_is_in_force_at_once_and_calls_tell_of_it(world: World) -> None:
    await _rule(world, dids=["8 495 215-00-00"], source="Billboard")
    call = await world.ring("101")
    await world.answer(call, "101")
    told = (await (await world.api("anna")).get(f"/api/v1/calls/{call}")).json
    assert (told["rule"], told["screened"]) == ("Night", None)
    deal = (await (await world.api("anna")).get(f"/api/v1/deals/{told['deal_id']}")).json
    assert deal["source"] == "Billboard"
    journal = (await (await world.browser("anna")).get("/calls")).text
    assert "Night" in journal


async def test_trying_tells_which_rule_or_list_counts(world: World) -> None:
    await _rule(world, begins="09:00", ends="18:00")
    sveta = await world.api("sveta")
    day, night = "2026-03-02T12:00:00Z", "2026-03-02T20:00:00Z"
    assert (await sveta.get(f"{RULES}/try?number=89031112233&at={day}")).json["rule"]["name"] == "Night"
    tried = (await sveta.get(f"{RULES}/try?number=89031112233&at={night}")).json
    assert tried == {"listed": None, "rule": None, "create_deals": "answered", "known": False}
    await sveta.post(NUMBERS, json={"number": "+7903*", "listing": "blocked", "note": "spam"})
    tried = (await sveta.get(f"{RULES}/try?number=89031112233&at={day}")).json
    assert tried["listed"]["pattern"] == "+7903*"


async def test_numbers_are_listed_and_taken_off(world: World) -> None:
    sveta = await world.api("sveta")
    row = (await sveta.post(NUMBERS, json={"number": "8 903 111-22-33", "listing": "ignored"})).json
    assert (row["pattern"], row["listing"], row["added_by"]) == (IVAN, "ignored", "Sveta Orlova")
    answer = await sveta.post(NUMBERS, json={"number": "call me", "listing": "ignored"})
    assert (answer.status, answer.json["field"]) == (422, "number")
    assert [each["id"] for each in (await sveta.get(f"{NUMBERS}?listing=ignored")).json["items"]] == [row["id"]]
    assert (await sveta.request("DELETE", f"{NUMBERS}/{row['id']}")).status == 204
    assert (await sveta.get(NUMBERS)).json["items"] == []


async def test_a_rep_lists_the_caller_of_their_own_call_and_it_is_marked_in_the_journal(world: World) -> None:
    call = await world.ring("101")
    await world.end(call, CallResult.MISSED)
    browser = await world.browser("anna")
    assert 'data-list-as="blocked"' in (await browser.get("/calls")).text
    answer = await browser.post(f"/api/v1/calls/{call}/list", json={"listing": "blocked"})
    assert (answer.status, answer.json["pattern"]) == (201, IVAN)
    await world.refresh()
    again = await world.ring("101")
    told = (await (await world.api("anna")).get(f"/api/v1/calls/{again}")).json
    assert told["screened"] == "blocked"
    assert "Blocked" in (await browser.get("/calls")).text


@pytest.mark.parametrize("pattern", [IVAN, "+7903*"])
async def test_it_is_not_offered_to_list_a_number_that_is_listed_by_now(world: World, pattern: str) -> None:
    call = await world.ring("101")
    await world.end(call, CallResult.MISSED)
    anna = await world.browser("anna")
    places = ("/calls", f"/calls/{call}/card")
    assert ["data-list-as" in (await anna.get(place)).text for place in places] == [True, True]
    await (await world.api("sveta")).post(NUMBERS, json={"number": pattern, "listing": "ignored"})
    await world.refresh()
    assert ["data-list-as" in (await anna.get(place)).text for place in places] == [False, False]
    refused = await anna.post(f"/api/v1/calls/{call}/list", json={"listing": "blocked"})
    assert (refused.status, "listed already" in refused.text) == (403, True)


# Pages


async def test_a_rule_is_made_by_the_form_and_shown_again_when_something_is_wrong(world: World) -> None:
    browser = await world.browser("sveta")
    assert "No rules yet" in (await browser.get("/settings/incoming")).text
    sveta, boris = world.person("sveta").id, world.person("boris").id
    wrong = await browser.post("/settings/incoming/new", data=FORM | {"missed_owner": "group", "day7": "1"})
    assert (wrong.status, "Choose the people" in wrong.text) == (422, True)
    assert re.search(r'name="day7" value="1" checked', wrong.text)
    form = FORM | {
        "dids": "8 495 215-00-00, 5001",
        "queues": "sales",
        "day5": "1",
        "day6": "1",
        "begins": "22:00",
        "ends": "06:00",
        "source": "<b>Billboard</b>",
        "create_deals": "inbound",
        "missed_owner": "group",
        f"member{boris}": "1",
        f"member{sveta}": "1",
    }
    assert (await browser.post("/settings/incoming/new", data=form)).status == 303
    page = (await browser.get("/settings/incoming")).text
    for text in ("8 (495) 215-00-00", "queue sales", "Fri, Sat", "22:00–06:00", "&lt;b&gt;Billboard", "Boris Petrov"):
        assert text in page, text
    assert "<b>Billboard" not in page
    [rule] = (await (await world.api("sveta")).get(RULES)).json["items"]
    assert (rule["dids"], rule["group"]) == (["8 495 215-00-00", "5001"], ["boris", "sveta"])
    edited = (await browser.get(f"/settings/incoming/{rule['id']}")).text
    assert re.search(rf'name="member{boris}" value="1" checked', edited)


async def test_rules_are_moved_and_removed_by_their_buttons(world: World) -> None:
    one, two, three = [(await _rule(world, name))["id"] for name in ("one", "two", "three")]
    browser = await world.browser("sveta")
    for rule, button, names in (
        (three, "up", ["one", "three", "two"]),
        (one, "up", ["one", "three", "two"]),
        (one, "down", ["three", "one", "two"]),
    ):
        assert (await browser.post(f"/settings/incoming/{rule}/move", data={button: "1"})).status == 303
        assert await _names(world) == names
    await browser.post(f"/settings/incoming/{two}", data=FORM | {"remove": "1"})
    assert await _names(world) == ["three", "one"]


async def test_the_page_tries_a_call_by_the_companys_clock(world: World) -> None:
    world.settings = world.settings.model_copy(update={"time_zone": "Europe/Moscow"})
    await _rule(world, "Evening", begins="18:00", ends="20:00")
    browser = await world.browser("sveta")
    page = (await browser.get("/settings/incoming?number=89031112233&at=2026-03-02T19:00")).text
    assert re.search(r"<b>Evening</b>", page)
    assert "15:00 now" in page
    page = (await browser.get("/settings/incoming?number=89031112233&at=2026-03-02T21:00")).text
    assert "<b>No rule fits.</b> It makes a deal when somebody answers." in page
    assert "This time can" in (await browser.get("/settings/incoming?at=tomorrow")).text


async def test_numbers_are_added_and_removed_by_the_page(world: World) -> None:
    browser = await world.browser("sveta")
    form = {"number": "+7 800*", "listing": "blocked", "note": "<i>spam</i>"}
    assert (await browser.post("/settings/incoming/numbers", data=form)).status == 303
    page = (await browser.get("/settings/incoming")).text
    assert "+7800*" in page
    assert "&lt;i&gt;spam" in page
    wrong = await browser.post("/settings/incoming/numbers", data=form | {"number": "who"})
    assert (wrong.status, "Neither a number" in wrong.text) == (422, True)
    [row] = (await (await world.api("sveta")).get(NUMBERS)).json["items"]
    assert (await browser.post(f"/settings/incoming/numbers/{row['id']}/remove")).status == 303
    assert (await (await world.api("sveta")).get(NUMBERS)).json["items"] == []


async def test_a_time_zone_that_there_is_not_is_refused(world: World) -> None:
    browser = await world.browser("sveta")
    form = {"create_deals": "answered", "currency": "RUB", "time_zone": "Europe/Atlantis"}
    wrong = await browser.post("/settings/calls", data=form)
    assert (wrong.status, "no such time zone" in wrong.text) == (422, True)
    assert (await browser.post("/settings/calls", data=form | {"time_zone": "Asia/Tomsk"})).status == 303


async def test_whoever_is_away_or_gone_can_still_be_read_in_a_rule(world: World) -> None:
    await _rule(world, missed_owner="person", person="boris")
    async with world.database.write() as tx:
        await people.change(tx, world.person("boris").id, active=False)
    await world.refresh()
    assert "missed: Boris Petrov" in (await (await world.browser("sveta")).get("/settings/incoming")).text


async def test_nobody_is_told_to_call_a_listed_number_back(world: World) -> None:
    await (await world.api("sveta")).post(NUMBERS, json={"number": IVAN, "listing": "blocked"})
    await world.refresh()
    for number in (IVAN, "+79035556677"):
        await world.end(await world.ring("101", number=number), CallResult.MISSED)
    page = (await (await world.browser("sveta")).get("/calls/missed")).text
    assert "555-66-77" in page
    assert "111-22-33" not in page
