"""Pictures of every page to look at: `python -m tests.browser.screenshots [FOLDER] [PATTERN]`.

Wide and narrow, light and dark, English and Russian, empty, ordinary and overfull, and while a call rings. With a
PATTERN only the pictures whose name it fits are taken. They are not compared with anything: a person looks at them.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page

from tests.ami.recorded import recording
from tests.browser.chromium import PHONE, WIDE, chromium, log_in
from tests.browser.people import contact_of
from tests.browser.seed import ring, seed_board, seed_calls, seed_rules
from tests.browser.site import Site, running_site
from zeoncrm.ami.endpoints import Evidence
from zeoncrm.pipeline.call_events import CallEnded, CallResult, Consult, ConsultChanged, Hold, HoldChanged, LegAnswered
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.journal import find_calls
from zeoncrm.pipeline.pbx_desks import BackfillSeen, Trouble
from zeoncrm.pipeline.people import viewer_of
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Queue, Waiting
from zeoncrm.pipeline.recording_keeper import FolderSeen
from zeoncrm.store import people
from zeoncrm.store.calls import CallFilter

FOLDER = Path("artifacts/screenshots")
SETTLE = 450

NO_SOCKETS = """
    window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })) } close() {} };
    dispatchEvent(new Event("offline"));
"""

Steps = Callable[[Page, Site], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """A page and what is done before it is taken."""

    name: str
    path: str = "/board"
    steps: Steps | None = None
    login: str = "vera"
    # Which databases it is of interest with.
    boards: tuple[str, ...] = ("ordinary",)


async def rings(page: Page, site: Site) -> None:
    """A known caller rings, and an unknown one."""
    await _ring(site, "+79165559999")
    await _ring(site, "+79031112203", name="MARIA I")


async def talks(page: Page, site: Site) -> None:
    """A call is answered here."""
    call_id = await _ring(site, "+79031112203")
    await site.happened(LegAnswered(call_id=call_id, at=datetime.now(UTC), extension="103"))


async def rings_from_abroad(page: Page, site: Site) -> None:
    """A colleague's contact with a long name, from a country with a long one, where it is night."""
    number = "+12125551234"
    await contact_of(site, "boris", "Konstantin Konstantinovich Konstantinopolsky", number, "Windows and Doors, Ltd")
    await _ring(site, number, name="WIRELESS CALLER")
    await _ring(site, "+73832223344", name="Новосибирский завод")
    await page.locator(".panel-toggle").nth(1).click()


async def asks_who(page: Page, site: Site) -> None:
    """Several contacts have the caller's number."""
    for name, company in (
        ("Maria Ivanova", "Windows and Doors of the North-West, Limited Liability Company"),
        ("Pyotr Semyonovich Dolgorukov-Krymsky", None),
    ):
        await contact_of(site, "vera", name, "+79031112203", company)
    call_id = await _ring(site, "+79031112203")
    await site.happened(LegAnswered(call_id=call_id, at=datetime.now(UTC), extension="103"))


async def wraps_up(page: Page, site: Site) -> None:
    """A call has ended."""
    call_id = await _ring(site, "+79031112203")
    now = datetime.now(UTC)
    await site.happened(
        LegAnswered(call_id=call_id, at=now, extension="103"),
        CallEnded(call_id=call_id, at=now, result=CallResult.ANSWERED),
    )


async def wants_to_erase(page: Page, site: Site) -> None:
    """The question before a person is erased."""
    await page.click("[data-open-dialog=erase-contact]")


async def dials(page: Page, site: Site) -> None:
    """A number was clicked."""
    await page.locator("a.number").first.click()


async def opens_drawer(page: Page, site: Site) -> None:
    """A deal is opened over the board."""
    await page.locator(".card-link").nth(2).click()


async def opens_closed(page: Page, site: Site) -> None:
    """The won deals are shown."""
    await page.locator(".column-toggle").first.click()


async def opens_new_deal(page: Page, site: Site) -> None:
    """A new deal is begun."""
    await page.locator("[data-open-dialog=new-deal]").first.click()


async def lifts(page: Page, site: Site) -> None:
    """A card is on its way to another stage."""
    await page.locator(".card-link").nth(2).focus()
    for key in ("Space", "ArrowRight", "ArrowRight"):
        await page.keyboard.press(key)


async def opens_trace(page: Page, site: Site) -> None:
    """What the PBX said of a call is shown, one event with all of it."""
    each = recording("asterisk22/queue_local_members")
    if not site.desk.kept.size:
        await site.happened(*site.desk.tell(each.data, each.numbering))
    await page.goto(f"{site.address}/calls?number=79031110040")
    await page.locator("a[href$='/trace']").first.click()
    await page.locator(".trace summary").nth(2).click()


async def has_trouble(page: Page, site: Site) -> None:
    """Much is amiss with a link, and a mapping is refused."""
    at = datetime.now(UTC)
    reason = "the account lacks write = originate (no click-to-call); events have stopped while calls go on"
    trouble = Trouble(at, "no connection to pbx.example.com:5038: Connection refused")
    misread = Trouble(at, "a file that is cut short or damaged (Master.csv-20261124.gz)")
    records = BackfillSeen("csv:///Master.csv", at, at, None, None, misread, 3, 1)
    more = {"drift": 12, "stalls": 2, "logins": 4, "trouble": trouble, "backfill": records}
    site.desk.more = {"reason": reason} | more
    site.dialplan = Trouble(at, "a question of the dialplan does not end")
    site.desk.lacking = frozenset({"write = originate", "read = agent"})
    site.desk.more |= {"write_timeout": 100, "cuts_soon": True, "clock_ahead": -301.0, "clocks_differ": True}
    problem = "/var/log/asterisk/cdr-csv/Master.csv: Permission denied"
    name = "csv:///var/log/asterisk/cdr-csv/Master.csv"
    site.desk.more["backfill"] = BackfillSeen(name, at, at, problem, at, None, 3, 1)
    folder = "/var/spool/asterisk/monitor"
    site.keeper.folders = {site.phone.name: FolderSeen(folder, f"{folder}/2026/11/25: Permission denied", at)}
    await page.reload()


async def is_refused(page: Page, site: Site) -> None:
    """The log-in is refused, and nothing is known of the PBX."""
    site.desk.more = {"state": "auth-failed", "reason": "Authentication failed", "endpoints": (), "rights": ()}
    site.desk.more |= {"version": None, "last_event_at": None, "events_per_second": 0.0, "calls": 0, "logins": 0}
    await page.reload()


async def has_many_phones(page: Page, site: Site) -> None:
    """Phones and lines that are nobody's, some with long names."""
    many = tuple(Evidence(f"PJSIP/{2000 + place}", reachable=place % 3 > 0, registers=True) for place in range(40))
    long = tuple(
        Evidence(f"PJSIP/provider-with-a-very-long-name-and-address.example.com-{place}", registers=False)
        for place in range(3)
    )
    site.desk.devices = (*many, *long, Evidence("SIP/30001234567890123456"))
    await page.reload()


async def claims(page: Page, site: Site) -> None:
    """Boris has on this PBX what is Anna's on every one."""
    boris = next(row for row in site.directory.rows if row.login == "boris")
    async with site.database.write() as tx:
        await people.set_extensions(tx, boris.id, ["101"], pbx=site.phone.name)
    await page.reload()


async def listens(page: Page, site: Site) -> None:
    """A recording is opened."""
    await page.locator(".player summary").first.click()


async def picks_colleague(page: Page, site: Site) -> None:
    """A call is about to be handed on."""
    await is_busy(page, site)
    await talks(page, site)
    await page.locator("[data-act=transfer]:visible").click()


async def asks_colleague(page: Page, site: Site) -> None:
    """A colleague is asked while the caller waits."""
    call_id = await _ring(site, "+79031112203")
    now = datetime.now(UTC)
    await site.happened(
        LegAnswered(call_id=call_id, at=now, extension="103"),
        ConsultChanged(call_id=call_id, at=now, consult=Consult("103", "102", talking=True)),
    )


async def is_busy(page: Page, site: Site) -> None:
    """Callers wait, ring and talk."""
    await _people_are_busy(site)
    now = datetime.now(UTC)
    waiting = []
    for place, number in enumerate(("+79031112203", "+79165559999", "+79031112207")):
        call_id = await _ring(site, number, name="Общество с ограниченной ответственностью" if place == 1 else None)
        waiting.append(Waiting(call_id, number, number, None, now - timedelta(seconds=95 - 40 * place)))
    talking, held = await _ring(site, "+79031112209"), await _ring(site, "+79031112210")
    await site.happened(
        LegAnswered(call_id=talking, at=now - timedelta(seconds=754), extension="101"),
        LegAnswered(call_id=held, at=now - timedelta(seconds=254), extension="102"),
        HoldChanged(call_id=held, at=now, holds=(Hold("102", now - timedelta(seconds=71)),)),
    )
    site.phone.queues = (Queue("main", "sales", tuple(waiting)), Queue("main", "service"))
    site.watch.stir()


async def is_cut_off(page: Page, site: Site) -> None:
    """The same, and then the PBX is away."""
    await is_busy(page, site)
    site.connect_pbx(False)


async def _people_are_busy(site: Site) -> None:
    states = (PhoneState.TALKING, PhoneState.FREE, PhoneState.RINGING, PhoneState.UNREACHABLE)
    site.phone.phones = {str(101 + place): state for place, state in enumerate(states)}
    site.watch.stir()


async def loses_link(page: Page, site: Site) -> None:
    """The PBX went away, and so did the network."""
    site.connect_pbx(False)
    await page.evaluate(NO_SOCKETS)
    await page.wait_for_selector("#link-banner:not([hidden])")


async def opens_menu(page: Page, site: Site) -> None:
    """What can be done with a number is shown."""
    await page.locator(".menu summary").first.click()


ALL_BOARDS = ("empty", "ordinary", "overfull")
PICTURES = (
    Picture("login", "/login"),
    Picture("board", boards=ALL_BOARDS),
    Picture("board-rep", login="anna"),
    Picture("board-ringing", steps=rings, boards=ALL_BOARDS),
    Picture("board-ringing-abroad", steps=rings_from_abroad),
    Picture("board-talking", steps=talks),
    Picture("board-shared-number", steps=asks_who),
    Picture("board-transfer", steps=picks_colleague),
    Picture("board-consulting", steps=asks_colleague),
    Picture("live", "/live", boards=("empty",)),
    Picture("live-busy", "/live", steps=is_busy),
    Picture("live-cut-off", "/live", steps=is_cut_off),
    Picture("board-wrapup", steps=wraps_up, boards=("ordinary", "overfull")),
    Picture("board-drawer", steps=opens_drawer, boards=("ordinary", "overfull")),
    Picture("board-lifted", steps=lifts),
    Picture("board-won", steps=opens_closed),
    Picture("board-new-deal", steps=opens_new_deal),
    Picture("board-nothing-found", "/board?q=zzz"),
    Picture("board-link-lost", steps=loses_link),
    Picture("deal", "/deals/7", boards=("ordinary", "overfull")),
    Picture("contacts", "/contacts", boards=ALL_BOARDS),
    Picture("contact", "/contacts/4", boards=("ordinary", "overfull")),
    Picture("contact-erase", "/contacts/4", steps=wants_to_erase, boards=("ordinary", "overfull")),
    Picture("contact-erased", "/contacts?erased=1"),
    Picture("dialling", "/contacts/4", steps=dials),
    Picture("calls", "/calls", boards=("empty", "ordinary")),
    Picture("calls-playing", "/calls", steps=listens),
    Picture("missed", "/calls/missed", boards=("empty", "ordinary")),
    Picture("missed-all", "/calls/missed?show=all"),
    Picture("deal-playing", "/deals/{recorded}", steps=listens),
    Picture("calls-ringing", "/calls", steps=rings),
    Picture("profile", "/settings/profile"),
    Picture("calls-menu", "/calls", steps=opens_menu),
    Picture("incoming", "/settings/incoming?number=89031112233&did=4952150000", boards=("empty", "ordinary")),
    Picture("rule", "/settings/incoming/2"),
    Picture("call-settings", "/settings/calls"),
    Picture("people", "/settings/people", login="root"),
    Picture("people-claimed", "/settings/people", login="root", steps=claims),
    Picture("person", "/settings/people/1", login="root"),
    Picture("pbx", "/pbx"),
    Picture("pbx-admin", "/pbx", login="root"),
    Picture("pbx-trouble", "/pbx", login="root", steps=has_trouble),
    Picture("pbx-refused", "/pbx", login="root", steps=is_refused),
    Picture("pbx-many", "/pbx", login="root", steps=has_many_phones, boards=("overfull",)),
    Picture("trace", "/calls", login="root", steps=opens_trace),
    Picture("not-found", "/deals/999999"),
)


async def take_all(folder: Path, word: str) -> None:
    """Every picture in every form."""
    for board, cards in (("empty", 0), ("ordinary", 30), ("overfull", 200)):
        wanted = [each for each in PICTURES if board in each.boards and re.search(word, f"{board}-{each.name}")]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as kept:
            async with running_site(Path(kept)) as site, chromium() as browser:
                paths = {"recorded": "1"}
                if cards:
                    await seed_board(site, cards=cards, mad=board == "overfull")
                    await seed_calls(site, 40)
                    await seed_rules(site)
                    paths["recorded"] = await _record_some(site)
                for picture in (replace(each, path=each.path.format(**paths)) for each in wanted):
                    for size, scheme, language in forms(board):
                        name = f"{board}-{picture.name}-{size[0]}-{scheme}-{language[:2]}.png"
                        await take(browser, site, picture, size, scheme, language, folder / name)


def forms(board: str) -> list[tuple[tuple[int, int], str, str]]:
    """Width, colours and language; not each with each, but each value at each width."""
    if board != "ordinary":
        return [(WIDE, "light", "ru-RU"), (PHONE, "dark", "en-GB")]
    return [
        (WIDE, "light", "en-GB"),
        (WIDE, "dark", "ru-RU"),
        (PHONE, "light", "ru-RU"),
        (PHONE, "dark", "en-GB"),
    ]


async def take(
    browser: Browser, site: Site, picture: Picture, size: tuple[int, int], scheme: str, language: str, path: Path
) -> None:
    """One picture; what stood on the page's console is told."""
    page = await log_in(browser, site, picture.login, size=size, language=language, color_scheme=scheme)
    page.on("console", lambda message: print(f"{path.name}: {message.text}"))
    page.on("pageerror", lambda error: print(f"{path.name}: {error}"))
    if picture.path == "/login":
        await page.context.clear_cookies()
    await page.goto(site.address + picture.path)
    await page.wait_for_timeout(SETTLE)
    if picture.steps is not None:
        await picture.steps(page, site)
        await page.wait_for_timeout(SETTLE)
    await page.screenshot(path=path)
    await page.context.close()
    site.connect_pbx(True)
    site.desk.more, site.desk.lacking, site.dialplan = {}, frozenset(), None
    site.phone.queues = ()
    for view in site.recorder.live():
        ended = CallEnded(call_id=view.call.id, at=datetime.now(UTC), result=CallResult.MISSED)
        await site.happened(ended)


async def _record_some(site: Site) -> str:
    """Answered calls were recorded; the deal of one of them."""
    viewer = viewer_of(next(row for row in site.directory.rows if row.login == "vera"))
    found = await find_calls(site.database, viewer, CallFilter(result="answered"))
    calls = [view.call for view in found.items if view.call.deal_id]
    await site.recorded(*(call.id for call in calls[::2]))
    return str(calls[0].deal_id)


async def _ring(site: Site, number: str, name: str | None = None) -> str:
    call_id = new_call_id(datetime.now(UTC))
    await ring(site, call_id, number, ["101", "103"], name=name)
    return call_id


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(target, sys.argv[2] if len(sys.argv) > 2 else ""))
