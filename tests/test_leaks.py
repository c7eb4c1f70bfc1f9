"""The leak check itself: it sees what a test forgets, and nothing else."""

from __future__ import annotations

import asyncio
import os
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


class Circle:
    """Holds a file and itself, as an error does whose traceback leads back to it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT)
        self._itself = self

    def __del__(self) -> None:
        os.close(self._descriptor)


def test_a_file_that_only_waits_for_the_garbage_collector_is_not_left_open(tmp_path: Path) -> None:
    before = open_descriptors()
    Circle(tmp_path / "journal")
    assert open_descriptors() - before
    assert not descriptors_left(before, grace=0)


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
