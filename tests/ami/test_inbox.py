import asyncio

from zeoncrm.ami.inbox import Inbox


def counting_inbox(limit: int) -> tuple[Inbox[int], list[str]]:
    calls: list[str] = []
    return Inbox(limit, lambda: calls.append("full"), lambda: calls.append("drained")), calls


async def test_items_come_out_in_their_order() -> None:
    inbox, _ = counting_inbox(1000)
    for n in range(200):
        inbox.put(n)
    assert [await inbox.take() for _ in range(200)] == list(range(200))


async def test_a_taker_waits_for_an_item() -> None:
    inbox, _ = counting_inbox(10)
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    inbox.put(1)
    assert await taking == 1


async def test_it_says_when_it_is_full_and_when_half_of_it_is_taken() -> None:
    inbox, calls = counting_inbox(4)
    for n in range(5):
        inbox.put(n)
    assert calls == ["full", "full"]
    for _ in range(2):
        await inbox.take()
    assert calls == ["full", "full"]
    await inbox.take()
    assert calls == ["full", "full", "drained"]
    await inbox.take()
    assert calls == ["full", "full", "drained"]


async def test_a_taker_that_never_waits_lets_others_run() -> None:
    inbox, _ = counting_inbox(10_000)
    for n in range(1000):
        inbox.put(n)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    for _ in range(1000):
        await inbox.take()
    running.cancel()
    assert turns >= 10
