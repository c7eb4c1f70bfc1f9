"""Times at the edge of the calendar, and words that are no numbers, wherever they come in."""

from __future__ import annotations

import pytest

from tests.web.world import World

RULES = "/api/v1/incoming-rules"
CALLS_AT = ("/api/v1/calls?since=", "/api/v1/calls?until=", f"{RULES}/try?number=1&at=")


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9990-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
async def test_a_time_out_of_range_is_refused_by_the_name_of_its_field(world: World, at: str) -> None:
    program, call, deal = await world.api("sveta"), await world.ring("103"), await world.deal("sveta")
    step = {"next_step_at": at}
    for answer in [
        *[await program.get(path + at) for path in CALLS_AT],
        await program.post("/api/v1/deals", json={"title": "Doors", **step}),
        await program.patch(f"/api/v1/deals/{deal.id}", {"version": deal.version, **step}),
        await program.post(f"/api/v1/calls/{call}/wrap-up", json={"version": 1, **step}),
    ]:
        [wrong] = answer.json["errors"]
        assert (answer.status, wrong["message"]) == (422, "this time is out of range")
        assert wrong["field"] in ("since", "until", "at", "next_step_at")


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "9989-12-31T23:59:59.9999Z"])
async def test_a_time_just_within_range_is_taken_in_every_zone(world: World, at: str) -> None:
    program, browser = await world.api("sveta"), await world.browser("sveta")
    await program.post(RULES, json={"name": "Night", "begins": "22:00", "ends": "21:59", "weekdays": [1]})
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        world.settings = world.settings.model_copy(update={"time_zone": zone})
        assert [(await program.get(path + at)).status for path in CALLS_AT] == [200, 200, 200]
        tried = await browser.get(f"/settings/incoming?number=1&at={at.partition('.')[0].rstrip('Z')}")
        assert "No rule fits" in tried.text
    deal = (await program.post("/api/v1/deals", json={"title": "Doors", "next_step_at": at})).json
    assert (await browser.get(f"/deals/{deal['id']}")).status == 200


@pytest.mark.parametrize("day, zone", [("0001-01-01", -900), ("1969-12-31", 0), ("9990-01-01", 0), ("9999-12-31", 900)])
async def test_the_journal_refuses_a_day_out_of_range(world: World, day: str, zone: int) -> None:
    answer = await (await world.browser("sveta")).get(f"/calls?since={day}&zone={zone}")
    assert (answer.status, "Since: this time is out of range" in answer.text) == (422, True)


@pytest.mark.parametrize("day, zone", [("1970-01-01", -900), ("9989-12-31", 900)])
async def test_the_journal_takes_a_day_just_within_range(world: World, day: str, zone: int) -> None:
    assert (await (await world.browser("sveta")).get(f"/calls?since={day}&zone={zone}")).status == 200


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
async def test_rules_are_not_tried_at_a_time_out_of_range(world: World, at: str) -> None:
    page = await (await world.browser("sveta")).get(f"/settings/incoming?number=1&at={at}")
    assert (page.status, "This time can" in page.text) == (200, True)


@pytest.mark.parametrize("away", ["yes", 1, "true", None])
async def test_what_is_neither_true_nor_false_is_refused(world: World, away: object) -> None:
    program = await world.api("anna")
    answer = await program.patch("/api/v1/me", {"away": away})
    assert (answer.status, [each["field"] for each in answer.json["errors"]]) == (422, ["away"])


async def test_true_is_no_number_of_a_deal(world: World) -> None:
    answer = await (await world.api("anna")).post("/api/v1/calls", json={"number": "+79031112233", "deal_id": True})
    assert (answer.status, [each["field"] for each in answer.json["errors"]]) == (422, ["deal_id"])
    assert world.phone.orders == []
