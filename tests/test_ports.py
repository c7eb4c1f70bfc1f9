"""Ports that stay free while their server is stopped."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from tests.ports import MEDIA, UNTOUCHED, free_port, untouched


@pytest.mark.skipif(not UNTOUCHED, reason="the kernel gives every port to outgoing connections")
def test_it_is_none_that_an_outgoing_connection_can_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given_by_the_kernel:
        assert given_by_the_kernel.getsockname()[1] not in UNTOUCHED
    ports = {free_port() for _ in range(50)}
    assert ports <= set(UNTOUCHED)
    assert len(ports) > 1


def test_it_is_none_in_use() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert all(free_port() != port for _ in range(50))


def test_those_who_seed_their_chance_alike_are_given_different_ones() -> None:
    given, state = [], random.getstate()
    for _ in range(2):  # two workers that seed before their labs start
        random.seed(7)
        given.append([free_port("127.0.0.2", socket.SOCK_DGRAM) for _ in range(5)])
    random.setstate(state)
    assert given[0] != given[1]


def test_it_is_none_that_a_lab_takes_for_media() -> None:
    media = (Path(__file__).parent / "pbx/config/common/rtp.conf").read_text()
    assert f"rtpstart = {MEDIA}" in media
    assert all(port < MEDIA for port in UNTOUCHED)


def test_tests_that_run_side_by_side_share_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    shares = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        shares.append(set(untouched()))
    assert len(set.union(*shares)) == sum(map(len, shares))
