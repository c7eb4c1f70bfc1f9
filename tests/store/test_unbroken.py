"""Work that a cancellation does not break."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from zeoncrm.store.unbroken import unbroken


async def test_the_work_gives_its_result_or_its_error() -> None:
    async def divide(by: int) -> float:
        await asyncio.sleep(0)
        return 1 / by

    assert await unbroken(divide(2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        await unbroken(divide(0))


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_end_however_often_it_comes(times: int, fails: bool) -> None:
    may_end = asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        await may_end.wait()
        steps.append("ended")
        if fails:
            raise ZeroDivisionError

    task = asyncio.create_task(unbroken(work()))
    await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    may_end.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert steps == ["begun", "ended"]


async def test_a_timeout_around_it_is_told_once_the_work_has_ended() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.02)
        ended = True

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await unbroken(work())
    assert ended


@pytest.mark.parametrize("fails", [False, True])
async def test_what_the_work_had_open_is_let_go_of_at_once_after_a_cancellation(fails: bool) -> None:
    class Connection:
        pass

    may_end = asyncio.Event()
    opened: list[weakref.ref[Connection]] = []

    async def work(connection: Connection) -> None:
        await may_end.wait()
        if fails:
            raise ZeroDivisionError

    async def caller() -> None:
        connection = Connection()
        opened.append(weakref.ref(connection))
        await unbroken(work(connection))

    gc.disable()
    try:
        task = asyncio.create_task(caller())
        await asyncio.sleep(0)
        task.cancel()
        may_end.set()
        await asyncio.wait([task])
        assert task.cancelled()
        del task
        await asyncio.sleep(0)
        assert opened[0]() is None
    finally:
        gc.enable()
