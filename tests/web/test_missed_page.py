"""The page of missed calls, and what the API tells of them."""

from __future__ import annotations

from tests.web.world import World
from zeoncrm.pipeline.call_events import CallResult


async def missed(world: World, *extensions: str, number: str = "+79031112233") -> str:
    """A call that nobody answered; its id."""
    call = await world.ring(*(extensions or ("101",)), number=number)
    await world.end(call, CallResult.MISSED)
    world.clock.tick(minutes=1)
    return call


async def answered(world: World, extension: str, number: str = "+79031112233") -> None:
    call = await world.ring(extension, number=number)
    await world.answer(call, extension)
    await world.end(call)
    world.clock.tick(minutes=1)


async def test_a_line_counts_the_misses_of_a_number_and_one_click_calls_it(world: World) -> None:
    for _ in range(3):
        await missed(world)
    page = (await (await world.browser("sveta")).get("/calls/missed")).text
    assert page.count("Not called back</span>") == 1
    assert "3 calls" in page
    assert 'data-number="+79031112233"' in page


async def test_who_was_called_back_leaves_the_list_and_is_told_among_the_others(world: World) -> None:
    await missed(world)
    await answered(world, "102")
    browser = await world.browser("sveta")
    assert "Everybody was called back" in (await browser.get("/calls/missed")).text
    page = (await browser.get("/calls/missed?show=done")).text
    assert "Came through later" in page
    assert "Boris" in page


async def test_a_supervisor_sees_how_many_wait_and_whose(world: World) -> None:
    await answered(world, "101")
    await missed(world)
    await missed(world, number="+79032223344")
    page = (await (await world.browser("sveta")).get("/calls/missed")).text
    assert "Rep: all (2)" in " ".join(page.split())
    assert "Anna Ivanova (1)" in page
    assert "Nobody's (1)" in page
    journal = (await (await world.browser("sveta")).get("/calls")).text
    assert '<span class="count" title="Not called back in 30 days">2</span>' in journal


async def test_a_rep_sees_their_own(world: World) -> None:
    await missed(world, "101")
    await missed(world, "102", number="+79032223344")
    page = (await (await world.browser("anna")).get("/calls/missed?show=all")).text
    assert "79031112233" in page
    assert "79032223344" not in page


async def test_the_api_tells_what_came_of_a_missed_call_and_filters_by_it(world: World) -> None:
    early = await missed(world)
    last = await missed(world)
    program = await world.api("sveta")
    items = (await program.get("/api/v1/calls?call_back=open")).json["items"]
    assert [(call["id"], call["call_back"]) for call in items] == [
        (last, {"state": "none", "misses": 2, "tries": 0, "at": None, "by": None})
    ]
    await answered(world, "102")
    assert (await program.get("/api/v1/calls?call_back=open")).json["items"] == []
    [done] = (await program.get("/api/v1/calls?call_back=done")).json["items"]
    assert (done["id"], done["call_back"]["state"], done["call_back"]["by"]) == (last, "came_through", "boris")
    assert (await program.get(f"/api/v1/calls/{early}")).json["call_back"]["misses"] == 1
    assert (await program.get("/api/v1/calls?result=answered")).json["items"][0]["call_back"] is None
    assert (await program.get("/api/v1/calls?call_back=x")).json["field"] == "call_back"


async def test_pages_of_missed_calls_go_on_where_the_one_before_ended(world: World) -> None:
    for number in range(3):
        await missed(world, number=f"+7903111223{number}")
    program = await world.api("anna")
    seen: list[str] = []
    path = "/api/v1/calls?call_back=all&limit=2"
    answer = (await program.get(path)).json
    seen += [call["number"] for call in answer["items"]]
    answer = (await program.get(f"{path}&cursor={answer['next']}")).json
    seen += [call["number"] for call in answer["items"]]
    assert (seen, answer["next"]) == (["+79031112232", "+79031112231", "+79031112230"], None)
