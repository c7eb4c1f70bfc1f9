"""Presence in real browsers: one's own, the colleague picker, the consultation, and the supervisor's live panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from tests.browser.conftest import Opened
from tests.browser.people import contact_of, person
from tests.browser.site import Site
from tests.browser.test_calls import NUMBER, answered, ended, rung
from zeoncrm.pipeline.call_events import Consult, ConsultChanged, Hold, HoldChanged
from zeoncrm.pipeline.people import give_extension
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Member, Queue, Waiting


def phones(site: Site, **states: str) -> None:
    """Set what phones do: `phones(site, e101="free")`."""
    site.phone.phones = {name.removeprefix("e"): PhoneState(state) for name, state in states.items()}
    site.watch.stir()


async def consults(site: Site, call_id: str, consult: Consult | None) -> None:
    await site.happened(ConsultChanged(call_id=call_id, at=datetime.now(UTC), consult=consult))


async def test_the_own_state_stands_in_the_bar_and_one_goes_away_by_a_key(site: Site, opened: Opened) -> None:
    anna, boris = await opened("anna"), await opened("boris")
    own = anna.locator("#presence")
    phones(site, e101="free", e102="free")
    await expect(own).to_have_attribute("data-state", "free")
    await anna.keyboard.press("a")
    await expect(own).to_have_attribute("data-state", "away")
    await expect(own).to_have_attribute("aria-pressed", "true")
    await expect(own).to_contain_text("Away", use_inner_text=True)
    await anna.reload()
    await expect(own).to_have_attribute("data-state", "away")
    await own.focus()
    await anna.keyboard.press("Enter")
    await expect(own).to_have_attribute("data-state", "free")
    await anna.goto(f"{site.address}/settings/profile")
    await anna.get_by_role("button", name="I am away from the phone").click()
    await expect(own).to_have_attribute("data-state", "away")
    await anna.get_by_role("button", name="I am away from the phone", pressed=True).click()
    await expect(own).to_have_attribute("data-state", "free")
    phones(site, e101="unreachable", e102="free")
    await expect(own).to_contain_text("Phone off", use_inner_text=True)
    site.connect_pbx(up=False)
    await expect(own).to_contain_text("Unknown", use_inner_text=True)
    await expect(boris.locator("#presence")).to_contain_text("Unknown", use_inner_text=True)


async def _picks(site: Site, opened: Opened) -> tuple[Page, str]:
    """Anna talks and has the picker open, all by the keyboard from there."""
    phones(site, e101="talking", e102="talking", e103="free", e104="unreachable")
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    await anna.locator(".panel[data-view=talking]").get_by_role("button", name="Transfer").click()
    await expect(anna.get_by_role("combobox", name="Transfer to")).to_be_focused()
    return anna, call_id


async def test_the_picker_shows_who_is_free_first_and_is_used_by_the_keyboard(site: Site, opened: Opened) -> None:
    anna, call_id = await _picks(site, opened)
    options = anna.locator(".picker-option")
    await expect(options).to_have_count(3)
    # By their names as they are read out: in the text of each stand the words of all states.
    await expect(options.first).to_have_accessible_name("Vera Sokolova 103 Free")
    await expect(options.nth(1)).to_have_accessible_name("Boris Volkov 102 Talking")
    await anna.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    phones(site, e101="talking", e102="free", e103="talking", e104="free")
    # Nobody changes places under the pointer or the keys.
    await expect(options.nth(1)).to_have_accessible_name("Boris Volkov 102 Free")
    await expect(options.first).to_have_accessible_name("Vera Sokolova 103 Talking")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await anna.keyboard.type("o")
    await expect(options.first).to_contain_text("Boris Volkov")
    await anna.keyboard.press("Backspace")
    await anna.keyboard.type("ver")
    await expect(options).to_have_count(1)
    await anna.keyboard.press("Enter")
    await expect(anna.get_by_role("combobox", name="Transfer to")).to_have_value("Vera Sokolova · 103")
    async with anna.expect_response("**/transfer"):
        await anna.keyboard.press("Enter")
    assert site.phone.orders[-1] == ("transfer", call_id, "101", "103", True)


async def test_enter_after_digits_means_those_digits(site: Site, opened: Opened) -> None:
    await give_extension(site.database, person(site, "vera").id, "1020")
    await site.refresh()
    anna, call_id = await _picks(site, opened)
    options = anna.locator(".picker-option")
    for typed, shown in (("102", 2), ("10", 4)):
        await anna.keyboard.type(typed)
        await expect(options).to_have_count(shown)
        await anna.keyboard.press("Enter")
        async with anna.expect_response("**/transfer"):
            await anna.keyboard.press("Enter")
        assert site.phone.orders[-1] == ("transfer", call_id, "101", typed, True)
        await anna.locator(".panel").get_by_role("button", name="Transfer", exact=True).click()
    await anna.keyboard.type("102")
    await anna.keyboard.press("ArrowDown")
    await anna.keyboard.press("Enter")
    await expect(anna.get_by_role("combobox", name="Transfer to")).to_have_value("Vera Sokolova · 1020")


async def test_a_part_of_one_colleagues_name_is_enough_to_transfer(site: Site, opened: Opened) -> None:
    anna, call_id = await _picks(site, opened)
    await anna.keyboard.type("bor")
    await expect(anna.locator(".picker-option")).to_have_count(1)
    async with anna.expect_response("**/transfer"):
        await anna.get_by_role("button", name="Transfer now").click()
    assert site.phone.orders[-1] == ("transfer", call_id, "101", "102", False)


async def test_a_number_that_is_nobodys_is_taken_as_typed_and_a_refusal_stands_in_the_panel(
    site: Site, opened: Opened
) -> None:
    anna, call_id = await _picks(site, opened)
    await anna.keyboard.type("800")
    await expect(anna.locator(".picker-option")).to_have_count(0)
    async with anna.expect_response("**/transfer"):
        await anna.get_by_role("button", name="Transfer now").click()
    assert site.phone.orders[-1] == ("transfer", call_id, "101", "800", False)
    panel = anna.locator(".panel[data-view=talking]")
    await panel.get_by_role("button", name="Transfer", exact=True).click()
    await anna.keyboard.type("112")
    await anna.get_by_role("button", name="Transfer now").click()
    await expect(panel.get_by_role("alert")).to_contain_text("Not done")


async def test_while_one_asks_a_colleague_one_connects_or_goes_back(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    panel = anna.locator(".panel[data-view=talking]")
    connect, back = (panel.get_by_role("button", name=name) for name in ("Connect them", "Back to the caller"))
    await expect(panel.get_by_role("button", name="Hang up")).to_be_visible()
    await consults(site, call_id, Consult("101", "102"))
    await expect(panel).to_contain_text("Calling Boris Volkov")
    await expect(panel.get_by_role("button", name="Hang up")).to_be_hidden()
    await consults(site, call_id, Consult("101", "102", talking=True))
    await expect(panel).to_contain_text("You talk with Boris Volkov")
    await anna.reload()
    for button, order in ((connect, "complete"), (back, "cancel")):
        async with anna.expect_response(f"**/transfer/{order}"):
            await button.click()
        assert site.phone.orders[-1] == (order, call_id, "101")
    await consults(site, call_id, None)
    await expect(connect).to_be_hidden()
    await expect(panel.get_by_role("button", name="Hang up")).to_be_visible()


async def test_that_a_colleague_did_not_take_the_call_is_said_and_that_one_went_back_is_not(
    site: Site, opened: Opened
) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    panel = anna.locator(".panel[data-view=talking]")
    told, back = panel.get_by_role("alert"), panel.get_by_role("button", name="Back to the caller")
    await consults(site, call_id, Consult("101", "102"))
    await expect(back).to_be_visible()
    await consults(site, call_id, None)
    await expect(told).to_have_text("Boris Volkov did not take the call")
    await expect(panel.get_by_role("button", name="Hang up")).to_be_visible()
    await consults(site, call_id, Consult("101", "102"))
    async with anna.expect_response("**/transfer/cancel"):
        await back.click()
    await consults(site, call_id, None)
    await expect(back).to_be_hidden()
    await expect(told).to_be_hidden()


async def _watches(site: Site, opened: Opened) -> Page:
    vera = await opened("vera")
    await vera.goto(f"{site.address}/live")
    return vera


async def test_the_live_panel_follows_calls_queues_and_people(site: Site, opened: Opened) -> None:
    await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    phones(site, e101="free", e102="free", e103="free")
    vera = await _watches(site, opened)
    calls, people = vera.locator("[data-list=calls] .live-row"), vera.locator("[data-list=people] .live-row")
    await expect(people).to_have_count(4)
    await expect(vera.locator("#live-sum")).to_have_text("3 of 4 free · calls: 0")
    await expect(vera.get_by_text("No call goes on.")).to_be_visible()
    call_id = await rung(site, "101", "102")
    await expect(calls.locator(".live-who")).to_have_text("Ivan Petrov 8 (903) 111-22-33line 8 (495) 215-00-00")
    await expect(calls.locator(".live-with")).to_have_text("Anna Orlova, Boris Volkov")
    await expect(people.filter(has_text="Boris Volkov")).to_contain_text("Ringing", use_inner_text=True)
    now = datetime.now(UTC)
    caller = Waiting(call_id, NUMBER, NUMBER, None, now - timedelta(seconds=90))
    later = Waiting(None, None, None, None, now)
    members = (Member("101", "Anna"), Member("103", "Vera"), Member("103", "Vera", paused=True))
    site.phone.queues = (Queue("main", "help"), Queue("main", "sales", (caller, later), members))
    site.watch.stir()
    queues = vera.locator(".live-queue")
    await expect(queues).to_have_count(2)
    await expect(queues.first.locator("h3")).to_have_text("sales2free: 1 of 3 · paused: 1")
    await expect(queues.nth(1)).to_contain_text("nobody takes its calls")
    waiting = queues.first.locator(".live-row")
    await expect(waiting.first).to_contain_text("Ivan Petrov 8 (903) 111-22-33")
    await expect(waiting.first).to_contain_text("1:3")
    await expect(waiting.nth(1)).to_contain_text("Withheld number")
    site.phone.queues = (Queue("main", "help"), Queue("main", "sales", (replace(later),)))
    await answered(site, call_id, "102", "101")
    await expect(waiting).to_have_count(1)
    await expect(calls.locator(".live-with")).to_have_text("Boris Volkov")
    await expect(people.filter(has_text="Boris Volkov")).to_contain_text("Ivan Petrov")
    times = people.locator(".live-since:not([hidden])")
    boxes = [await times.nth(place).bounding_box() for place in range(3)]
    assert len({box["x"] for box in boxes if box is not None}) == 1
    await consults(site, call_id, Consult("102", "101"))
    await expect(calls.locator(".live-with")).to_have_text("Boris Volkov, asking Anna Orlova")
    await ended(site, call_id)
    await expect(calls).to_have_count(0)


async def test_who_has_a_caller_on_hold_is_told_from_who_talks(site: Site, opened: Opened) -> None:
    phones(site, e101="free", e102="talking")
    vera, anna = await _watches(site, opened), await opened("anna")
    held, own = [await rung(site, extension) for extension in ("102", "101")]
    await answered(site, held, "102")
    await answered(site, own, "101")
    await anna.locator(".panel[data-view=talking]").get_by_role("button", name="Transfer").click()
    since = datetime.now(UTC) - timedelta(seconds=90)
    await site.happened(HoldChanged(call_id=held, at=datetime.now(UTC), holds=(Hold("102", since),)))
    calls, people = (vera.locator(f"[data-list={name}] .live-row") for name in ("calls", "people"))
    for row in (calls.first, people.filter(has_text="Boris Volkov")):
        await expect(row.locator("[data-when]:not([hidden])")).to_have_text("On hold")
        await expect(row).to_contain_text("1:3")
    await expect(anna.locator(".picker-option").filter(has_text="Boris Volkov")).to_contain_text(
        "On hold", use_inner_text=True
    )
    panel = anna.locator(".panel[data-view=talking] .panel-state")
    await expect(panel.get_by_text("On hold")).to_be_hidden()
    await site.happened(HoldChanged(call_id=own, at=datetime.now(UTC), holds=(Hold("101", since),)))
    await expect(panel.get_by_text("On hold")).to_be_visible()
    await site.happened(HoldChanged(call_id=held, at=datetime.now(UTC), holds=()))
    for row in (calls.first, people.filter(has_text="Boris Volkov")):
        await expect(row.locator("[data-when]:not([hidden])")).to_have_text("Talking")


async def test_a_supervisor_ends_a_call_by_a_second_click(site: Site, opened: Opened) -> None:
    vera = await _watches(site, opened)
    call_id = await rung(site, "101")
    await answered(site, call_id, "101")
    await vera.get_by_role("button", name="Hang up").click()
    assert site.phone.orders == []
    async with vera.expect_response("**/hangup"):
        await vera.get_by_role("button", name="End it?").click()
    assert site.phone.orders == [("hang up", call_id, None)]


async def test_the_live_panel_empties_itself_while_the_pbx_is_away_and_says_so(site: Site, opened: Opened) -> None:
    vera = await _watches(site, opened)
    call_id = await rung(site, "101")
    await answered(site, call_id, "101")
    site.phone.queues = (Queue("main", "sales", (Waiting(None, None, None, None, datetime.now(UTC)),)),)
    site.watch.stir()
    rows = vera.locator("[data-list=calls] .live-row, .live-queue")
    await expect(rows).to_have_count(2)
    site.connect_pbx(up=False)
    await expect(vera.locator("#live-away")).to_contain_text("Not connected to main")
    await expect(rows).to_have_count(0)
    await expect(vera.locator("[data-list=people] .live-row").first).to_contain_text("Unknown", use_inner_text=True)
    await expect(vera.get_by_text("No call goes on.")).to_be_hidden()  # that is not known
    site.connect_pbx(up=True)
    await expect(rows).to_have_count(2)
    await expect(vera.locator("#live-away")).to_be_empty()


async def test_the_live_panel_is_no_page_of_a_rep(site: Site, opened: Opened) -> None:
    anna, vera = await opened("anna"), await opened("vera")
    await expect(vera.get_by_role("link", name="Live")).to_be_visible()
    await expect(anna.get_by_role("link", name="Live")).to_have_count(0)
    answer = await anna.goto(f"{site.address}/live")
    assert answer is not None
    assert answer.status == 403
