"""Ports that stay free while their server is stopped."""

from __future__ import annotations

import socket

import pytest

from tests.ports import UNTOUCHED, free_port


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
