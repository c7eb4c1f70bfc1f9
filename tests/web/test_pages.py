"""The pages, as a browser without scripts sees them."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.web.client import Client
from tests.web.world import World
from zeoncrm.pipeline.call_events import CallResult
from zeoncrm.pipeline.deals import get_deal
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.web.assets import load_assets

PART = {"HX-Request": "true"}
TEMPLATES = Path("zeoncrm/web/templates")


async def titles(client: Client, path: str) -> list[str]:
    """The titles of the cards that come with a page."""
    answer = await client.get(path)
    assert answer.status == 200, answer.text
    return re.findall(r'class="card-title">([^<]*)<', answer.text)


async def test_the_first_page_is_the_board(world: World) -> None:
    answer = await (await world.browser("anna")).get("/")
    assert (answer.status, answer.headers["Location"]) == (303, "/board")


async def test_a_board_has_the_stages_with_counts_and_sums_and_the_newest_card_first(world: World) -> None:
    await world.deal("anna", "Windows", amount=Decimal("86000"))
    world.clock.tick(minutes=1)
    await world.deal("anna", "Doors", amount=Decimal("1200.5"))
    anna = await world.browser("anna")
    assert await titles(anna, "/board") == ["Doors", "Windows"]
    text = (await anna.get("/board")).text
    assert "87\u202f200.50\u202f₽" in text
    for stage in ("Unsorted", "Documents approval", "Closed lost"):
        assert f'data-name="{stage}"' in text


async def test_a_column_comes_in_pages_of_thirty(world: World) -> None:
    for number in range(33):
        await world.deal("anna", f"Deal {number}")
        world.clock.tick(seconds=1)
    anna = await world.browser("anna")
    first = (await anna.get("/board")).text
    more = re.search(r'hx-get="(/board/1/column/1\?cursor=[^"]+)"', first)
    assert more is not None
    assert first.count('class="card"') == 30
    assert await titles(anna, more[1]) == ["Deal 2", "Deal 1", "Deal 0"]


@pytest.mark.parametrize(
    "query, shown",
    [
        ("", {"Windows", "Doors", "Lift"}),
        ("?q=WIND", {"Windows"}),
        ("?owner=2", {"Doors", "Lift"}),
        ("?owner=2&q=lift", {"Lift"}),
        ("?owner=0", set()),
        ("?q=nothing%20like%20it", set()),
    ],
)
async def test_a_supervisor_narrows_the_board(world: World, query: str, shown: set[str]) -> None:
    await world.deal("anna", "Windows")
    await world.deal("boris", "Doors")
    await world.deal("boris", "Lift", priority="hot")
    assert world.person("boris").id == 2
    assert set(await titles(await world.browser("sveta"), f"/board{query}")) == shown


async def test_hot_deals_are_ones_own_and_counted_as_such(world: World) -> None:
    await world.deal("anna", "Windows", priority="hot", amount=Decimal(5))
    await world.deal("anna", "Doors", amount=Decimal(7))
    await world.deal("sveta", "Lift", priority="hot")
    anna, sveta = await world.browser("anna"), await world.browser("sveta")
    assert await titles(anna, "/board?hot=1") == ["Windows"]
    assert ">5\u202f₽<" in (await anna.get("/board?hot=1")).text
    assert await titles(sveta, "/board?hot=1") == ["Lift"]


async def test_an_owner_in_the_address_widens_nothing_for_a_rep(world: World) -> None:
    await world.deal("boris", "Doors")
    assert await titles(await world.browser("anna"), "/board?owner=2") == []


async def test_what_changed_comes_with_all_heads_and_only_the_cards_that_are_shown(world: World) -> None:
    own = await world.deal("anna", "Windows")
    other = await world.deal("boris", "Doors")
    anna = await world.browser("anna")
    answer = await anna.get(f"/board/1/changed?ids={own.id},{other.id},999", headers=PART)
    assert answer.text.count('class="column-head"') == 8
    assert f'id="deal-{own.id}"' in answer.text
    assert "Doors" not in answer.text
    assert f'id="deal-{own.id}"' not in (await anna.get(f"/board/1/changed?q=x&ids={own.id}")).text


@pytest.mark.parametrize("ids", ["", "x", "1;2", "9" * 30])
async def test_ids_that_are_none_are_refused(world: World, ids: str) -> None:
    assert (await (await world.browser("anna")).get(f"/board/1/changed?ids={ids}")).status == 422


@pytest.mark.parametrize("path", ["/board/99", "/board/x", "/board/1/column/99", "/deals/99", "/contacts/99", "/no"])
async def test_what_is_not_there_is_a_friendly_page(world: World, path: str) -> None:
    answer = await (await world.browser("anna")).get(path)
    assert answer.status == 404
    assert "There is nothing here, or it is not yours to see" in answer.text
    assert "/board" in answer.text


@pytest.mark.parametrize(
    "language, number, told",
    [
        ("en", "+77272223344", "Kazakhstan, 17:00 there"),
        ("ru", "+77272223344", "Казахстан, там 17:00"),
        ("ru", "+73832223344", "там 19:00"),
        ("en", "+375171234567", "Belarus"),
        ("en", "+74952223344", ""),
        ("en", "+79031112233", ""),
    ],
)
async def test_a_number_abroad_or_by_another_clock_says_so(world: World, language: str, number: str, told: str) -> None:
    world.settings = CallSettings(time_zone="Europe/Moscow")
    call = await world.ring("101", number=number)
    contact = await world.contact("anna", number=number)
    anna = await world.browser("anna")
    await anna.post("/settings/profile", data={"language": language})
    for path in (f"/calls/{call}/card", f"/contacts/{contact.id}"):
        where = re.search(r'<span class="muted small where">(.*?)\n', (await anna.get(path)).text + "\n")
        assert re.sub(r"<[^>]*>", "", where[1] if where else "").strip() == told, path


async def test_names_from_strangers_are_shown_as_text(world: World) -> None:
    evil = '<img src=x onerror="alert(1)">'
    contact = await world.contact("anna", name=evil)
    deal = await world.deal("anna", evil, contact_id=contact.id, next_step=evil)
    call = await world.ring("101", number="+79165550001", name=evil)
    anna = await world.browser("anna")
    paths = ("/board", f"/deals/{deal.id}", f"/contacts/{contact.id}", "/contacts", "/calls", f"/calls/{call}/card")
    for path in paths:
        text = (await anna.get(path)).text
        assert "onerror" in text, path
        assert "<img src=x" not in text, path


async def test_a_renamed_stage_is_shown_as_text_too(world: World) -> None:
    async with world.database.write() as tx:
        await tx.connection.exec_driver_sql("UPDATE stages SET name = '<b>100%</b> %(x)s' WHERE id = 2")
    text = (await (await world.browser("anna")).get("/board")).text
    assert "&lt;b&gt;100%&lt;/b&gt; %(x)s" in text


async def test_a_note_is_written_from_the_card(world: World) -> None:
    deal = await world.deal("anna")
    anna = await world.browser("anna")
    answer = await anna.post(f"/deals/{deal.id}/notes", data={"text": "Keys are with the guard"}, headers=PART)
    assert answer.status == 200
    assert "Keys are with the guard" in answer.text
    assert (await anna.post(f"/deals/{deal.id}/notes", data={"text": " "})).status == 422


async def test_a_card_in_the_drawer_is_the_record_alone(world: World) -> None:
    deal = await world.deal("anna", "Windows")
    anna = await world.browser("anna")
    whole, alone = await anna.get(f"/deals/{deal.id}"), await anna.get(f"/deals/{deal.id}", headers=PART)
    assert "<html" in whole.text
    assert "<html" not in alone.text
    assert 'class="record"' in alone.text


async def test_a_contact_is_made_or_the_form_says_what_is_wrong(world: World) -> None:
    anna = await world.browser("anna")
    wrong = await anna.post("/contacts", data={"name": "Ivan", "phone": "12ab"})
    assert wrong.status == 422
    assert "Not a telephone number: 12ab" in wrong.text
    assert 'value="Ivan"' in wrong.text
    made = await anna.post("/contacts", data={"name": "Ivan", "phone": "8 903 111-22-33", "company": "Stroy"})
    assert made.status == 303
    card = (await anna.get(made.headers["Location"])).text
    assert 'data-number="+79031112233"' in card
    assert "8 (903) 111-22-33" in card
    assert "Stroy" in card


async def test_a_missed_call_is_marked_by_a_sign_and_a_word(world: World) -> None:
    from zeoncrm.pipeline.call_events import CallResult

    call = await world.ring("101")
    await world.end(call, CallResult.MISSED)
    anna = await world.browser("anna")
    text = (await anna.get("/calls?result=missed")).text
    assert 'class="row-missed"' in text
    assert "Missed" in text.split("<tbody>")[1]
    assert "No such calls" in (await anna.get("/calls?result=busy")).text


async def test_the_caller_is_shown_with_deal_and_last_note(world: World) -> None:
    contact = await world.contact("anna")
    deal = await world.deal("anna", "Windows", contact_id=contact.id)
    anna = await world.browser("anna")
    await anna.post(f"/deals/{deal.id}/notes", data={"text": "Asks for a discount"})
    call = await world.ring("101")
    text = (await anna.get(f"/calls/{call}/card")).text
    for word in ("Ivan Petrov", "Windows", "Asks for a discount"):
        assert word in text


async def test_a_pbx_that_is_away_is_named_with_the_reason(world: World) -> None:
    from zeoncrm.web.services import PbxStatus

    world.pbx["main"] = PbxStatus("auth-failed", world.clock(), "Authentication failed")
    anna = await world.browser("anna")
    text = (await anna.get("/pbx")).text
    assert "log-in refused" in text
    assert "Authentication failed" in text
    assert 'data-state="down"' in (await anna.get("/board")).text


async def test_scripts_stay_below_150_kilobytes() -> None:
    files = load_assets().files
    scripts = [asset.body for name, asset in files.items() if name.endswith(".js")]
    assert len(scripts) > 10
    assert sum(map(len, scripts)) < 150 * 1024


def test_no_template_needs_what_the_content_policy_forbids() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"\s(style|on[a-z]+)=\"", text), path
        assert "javascript:" not in text, path


async def test_a_deal_is_changed_by_no_page_that_is_only_looked_at(world: World) -> None:
    deal = await world.deal("anna")
    anna = await world.browser("anna")
    await anna.get(f"/deals/{deal.id}")
    await anna.get("/board")
    assert await get_deal(world.database, world.person("anna"), deal.id) == deal


async def test_a_supervisor_erases_a_person_from_their_card(world: World) -> None:
    contact = await world.contact("anna")
    call = await world.ring("101")
    await world.end(call, CallResult.MISSED)
    path = f"/contacts/{contact.id}"
    anna, sveta = await world.browser("anna"), await world.browser("sveta")
    assert f'action="{path}/erase"' not in (await anna.get(path)).text
    assert f'action="{path}/erase"' in (await sveta.get(path)).text
    done = await sveta.post(f"{path}/erase")
    assert (done.status, done.headers["Location"]) == (303, "/contacts?erased=1")
    after = (await sveta.get(done.headers["Location"])).text
    assert (contact.name in after, 'class="notice"' in after) == (False, True)
    assert (await sveta.get(path)).status == 404
    journal = (await sveta.get("/calls")).text
    assert "Erased contact" in journal
    for token in sveta.csrf_headers().values():  # any digits may stand in it
        journal = journal.replace(token, "")
    assert "903" not in journal
