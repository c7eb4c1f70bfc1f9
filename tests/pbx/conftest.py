"""A running lab for each Asterisk version: started once for all tests that need it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.pbx.daemon import Daemon
from tests.pbx.faulty_link import FaultyLink
from tests.pbx.instance import UNUSED
from tests.pbx.lab import Lab
from tests.pbx.roots import LabUnavailable, asterisk_root
from tests.real import need, require_real


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """The lab of the version ("22"), perhaps with a system name ("22 pbx1") or another technology ("16 SIP",
    "22 IAX2"), that the test is parametrised with.

    All its tests run in the session's loop.
    """
    need("pbx")
    version, *more = request.param.split()
    technology = next((word for word in more if word in UNUSED), "PJSIP")
    system_name = next((word for word in more if word not in UNUSED), "")
    try:
        await asyncio.to_thread(asterisk_root, version)
    except LabUnavailable as error:
        require_real("pbx", str(error))
    async with Lab(version, system_name, technology) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def lab(running_lab: Lab) -> AsyncIterator[Lab]:
    """The running lab, quiet at first; whatever a failing test leaves is hung up."""
    await running_lab.reset()
    yield running_lab
    await running_lab.reset()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_daemon(running_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """`zeoncrm serve`, attached to the running lab with the least rights."""
    async with Daemon(tmp_path_factory.mktemp("daemon"), running_lab) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(running_daemon: Daemon, lab: Lab) -> Daemon:
    """The running daemon, which knows of no call that goes on and has been told of nothing yet."""
    await running_daemon.quiet()
    running_daemon.forget()
    return running_daemon


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def faulty_link(running_lab: Lab) -> AsyncIterator[FaultyLink]:
    """The network between a daemon and the PBX. It ends with its module: its daemon connects anew, which opens sockets
    here, whenever a later test restarts the PBX."""
    async with FaultyLink(running_lab.pbx.host, running_lab.pbx.ami_port) as link:
        yield link


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def distant_daemon(
    running_lab: Lab, faulty_link: FaultyLink, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Daemon]:
    """A daemon that reaches the PBX over it."""
    async with Daemon(tmp_path_factory.mktemp("distant"), running_lab, ami_port=faulty_link.port) as daemon:
        yield daemon
