"""The leak check itself: it sees what a test forgets, and nothing else."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from tests.leaks import descriptors_left, open_descriptors, tasks_left


def test_an_open_socket_is_seen_until_it_is_closed() -> None:
    before = open_descriptors()
    with socket.socket():
        (left,) = descriptors_left(before, grace=0)
        assert left[1].startswith("socket:")
    assert not descriptors_left(before, grace=0)


def test_an_open_file_is_seen_by_its_path(tmp_path: Path) -> None:
    before = open_descriptors()
    with (tmp_path / "journal").open("w"):
        assert [target for _, target in descriptors_left(before, grace=0)] == [str(tmp_path / "journal")]


async def test_a_task_that_never_ends_is_seen() -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(asyncio.Event().wait())
    assert await tasks_left(before, grace=0) == {task}
    task.cancel()
    assert not await tasks_left(before)


async def test_a_task_that_is_ending_is_waited_for() -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(asyncio.sleep(0))
    assert not await tasks_left(before)
    assert task.done()
