"""Click-to-call: what may be dialled, how often, and that nothing rings later or twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from tests.databases import held_by_another, url_of
from tests.pipeline.firm import IVAN, PBX, Firm, running, until
from zeoncrm.pipeline import dialling
from zeoncrm.pipeline.call_events import CallEnded, CallResult
from zeoncrm.pipeline.deals import NewDeal, create_deal
from zeoncrm.pipeline.dialling import Rate, check_number, request_call
from zeoncrm.pipeline.errors import Invalid, NotFound, TooMany, Unavailable
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.store.database import Database


@dataclass
class Phone:
    """A telephone system that notes what it is told."""

    name: str = PBX
    is_up: bool = True
    fails: Exception | None = None
    orders: list[tuple[str, str]] = field(default_factory=list)

    def channel_id(self, call_id: str) -> str:
        return f"zeoncrm-{call_id}"

    async def call(self, call_id: str, *, extension: str, number: str, at: datetime) -> None:
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        self.orders.append((extension, number))

    async def complete_transfer(self, call_id: str, extension: str) -> None:
        raise NotImplementedError

    async def cancel_transfer(self, call_id: str, extension: str) -> None:
        raise NotImplementedError

    async def hang_up(self, call_id: str, extension: str | None) -> None:
        raise NotImplementedError

    async def transfer(self, call_id: str, extension: str, to: str, *, attended: bool) -> None:
        raise NotImplementedError


@dataclass
class Desk:
    """Somebody's telephone and the firm around it."""

    firm: Firm
    phone: Phone = field(default_factory=Phone)
    rate: Rate = field(default_factory=Rate)

    async def click(self, number: str = "8 903 111-22-33", login: str = "anna", deal_id: int | None = None) -> CallView:
        return await request_call(
            database=self.firm.database,
            recorder=self.firm.recorder,
            telephone=self.phone,
            viewer=self.firm.person(login),
            directory=self.firm.directory,
            settings=self.firm.settings,
            rate=self.rate,
            raw_number=number,
            region="RU",
            deal_id=deal_id,
            at=self.firm.tick(),
        )


@pytest.fixture
async def desk(firm: Firm) -> AsyncIterator[Desk]:
    async with running(firm.recorder):
        yield Desk(firm)


async def test_a_click_rings_ones_own_phone_then_the_number_and_the_call_is_kept(desk: Desk) -> None:
    view = await desk.click()
    assert desk.phone.orders == [("101", IVAN)]
    (row,) = await desk.firm.calls()
    assert (row.values["id"], row.owner, row.values["number"]) == (view.call.id, "anna", IVAN)
    assert (row.values["number_raw"], row.values["progress"]) == ("8 903 111-22-33", "own_phone")


async def test_a_pbx_that_is_away_refuses_at_once_and_nothing_is_kept(desk: Desk) -> None:
    desk.phone.is_up = False
    with pytest.raises(Unavailable):
        await desk.click()
    desk.phone.is_up = True
    assert (desk.phone.orders, await desk.firm.calls()) == ([], [])


@pytest.mark.parametrize("error", [Unavailable("gone"), RuntimeError("a fault of ours")])
async def test_a_call_that_the_pbx_did_not_take_is_over_as_failed(desk: Desk, error: Exception) -> None:
    desk.phone.fails = error
    with pytest.raises(type(error)):
        await desk.click()
    await until(lambda: not list(desk.firm.recorder.live()))
    (row,) = await desk.firm.calls()
    assert (row.values["state"], row.values["result"]) == ("ended", CallResult.FAILED)


async def test_a_doubled_click_is_one_call(desk: Desk) -> None:
    views = await asyncio.gather(*(desk.click() for _ in range(5)))
    assert len({view.call.id for view in views}) == 1
    assert (desk.phone.orders, len(await desk.firm.calls())) == ([("101", IVAN)], 1)


async def test_once_the_call_is_over_the_number_can_be_called_again(desk: Desk) -> None:
    first = await desk.click()
    await desk.firm.recorder.recorded(
        CallEnded(call_id=first.call.id, at=desk.firm.tick(), result=CallResult.NO_ANSWER)
    )
    second = await desk.click()
    assert first.call.id != second.call.id


async def test_colleagues_may_call_the_same_number(desk: Desk) -> None:
    await desk.click(login="anna")
    await desk.click(login="boris")
    assert desk.phone.orders == [("101", IVAN), ("102", IVAN)]


async def test_too_many_calls_in_a_minute_are_refused_until_it_is_over(desk: Desk) -> None:
    for last in range(dialling.CALLS_A_MINUTE):
        await desk.click(f"890311122{last + 10}")
    with pytest.raises(TooMany) as refused:
        await desk.click("89165556677")
    assert 0 < refused.value.retry_after <= 60
    await desk.click("89165556677", login="boris")
    desk.firm.tick(refused.value.retry_after)
    await desk.click("89165556677")
    assert len(desk.phone.orders) == dialling.CALLS_A_MINUTE + 2


async def test_who_has_no_extension_can_not_call(desk: Desk) -> None:
    sveta = desk.firm.person("sveta")
    others = [row for row in desk.firm.directory.rows if row.id != sveta.id]
    bare = replace(desk.firm.directory.by_id[sveta.id], extensions=())
    desk.firm.directory = Directory.of(2, [*others, bare])
    with pytest.raises(Invalid) as refused:
        await desk.click(login="sveta")
    assert refused.value.field == "extension"


async def test_a_rep_calls_only_for_deals_of_their_own(desk: Desk) -> None:
    firm = desk.firm
    deal = await create_deal(firm.database, firm.person("boris"), NewDeal(title="Windows"), firm.tick())
    for deal_id in (deal.id, 999, 10**30):
        with pytest.raises(NotFound):
            await desk.click(deal_id=deal_id)
    assert desk.phone.orders == []
    assert (await desk.click(login="boris", deal_id=deal.id)).call.deal_id == deal.id


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_a_database_that_is_away_refuses_and_nothing_rings_when_it_is_back(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "PATIENCE_SECONDS", 0.02)
    firm.database = Database(url_of(firm.database), firm.bus.publish, busy_seconds=0)
    firm.recorder = firm.another_recorder(firm.database)
    desk = Desk(firm)
    async with running(firm.recorder):
        with held_by_another(firm.database):
            with pytest.raises(Unavailable):
                await desk.click()
            await until(lambda: firm.recorder.trouble is not None)
            with pytest.raises(Unavailable):
                await desk.click("89165556677")
        await until(lambda: firm.recorder.waiting == 0)
    assert desk.phone.orders == []
    (row,) = await firm.calls()
    assert (row.values["state"], row.values["result"]) == ("ended", CallResult.FAILED)
    await firm.database.close()


# Numbers


@pytest.mark.parametrize(
    "raw", ["", "abc", "500&PJSIP/101", "7903@x", "7903;1", "7903,1", "1" * 30, "112", "101", "2345678", "٨٩٠٣١١١٢٢٣٣"]
)
def test_what_is_no_whole_number_is_refused_by_the_name_of_the_field(raw: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_number(raw, "RU", CallSettings())
    assert refused.value.field == "number"


@pytest.mark.parametrize(
    "region, number, prefixes, allowed",
    [
        ("RU", "8 903 111-22-33", (), True),
        ("RU", "+44 20 7946 0958", (), False),
        ("RU", "+44 20 7946 0958", ("+44",), True),
        ("RU", "+44 20 7946 0958", ("+441",), False),
        ("RU", "+7 701 123 45 67", (), False),
        ("RU", "+7 701 123 45 67", ("+77",), True),
        ("US", "+1 876 555 0100", (), False),
        ("US", "+1 876 555 0100", ("+1876",), True),
        ("RU", "+7 809 123 45 67", (), False),
        ("RU", "+7 809 123 45 67", ("+7",), False),
        ("RU", "+7 809 123 45 67", ("+7809",), True),
        ("US", "+1 900 555 0100", ("+1",), False),
        ("US", "+1 900 555 0100", ("+1900",), True),
    ],
)
def test_abroad_and_premium_are_denied_until_a_supervisor_allows_them(
    region: str, number: str, prefixes: tuple[str, ...], allowed: bool
) -> None:
    settings = CallSettings(allowed_prefixes=prefixes)
    if allowed:
        assert check_number(number, region, settings).startswith("+")
    else:
        with pytest.raises(Invalid):
            check_number(number, region, settings)


def test_the_rate_counts_a_window_that_moves() -> None:
    rate, start = Rate(most=2, window=timedelta(seconds=10)), datetime.fromisoformat("2026-03-02T12:00:00Z")
    rate.take(1, start)
    rate.take(1, start + timedelta(seconds=5))
    with pytest.raises(TooMany) as refused:
        rate.take(1, start + timedelta(seconds=9))
    assert refused.value.retry_after == 2
    rate.take(1, start + timedelta(seconds=10))
    with pytest.raises(TooMany):
        rate.take(1, start + timedelta(seconds=11))
