"""Browsers and programs that talk to the server of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.patience import PATIENCE
from zeoncrm.web.cookies import COOKIE
from zeoncrm.web.security import CSRF_HEADER
from zeoncrm.web.sessions import csrf_of


@dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class Client:
    """Somebody's browser (with a cookie jar) or program (with a token)."""

    def __init__(self, http: aiohttp.ClientSession, address: str, stack: AsyncExitStack) -> None:
        """`stack`: closes what is opened, at the end of the test."""
        self.http = http
        self.address = address
        self._stack = stack

    async def request(self, method: str, path: str, *, forged: bool = False, **options: Any) -> Answer:
        """Ask; redirects are not followed. A browser's unsafe requests carry its token unless they are `forged`."""
        headers = {} if forged else self.csrf_headers()
        options["headers"] = headers | options.get("headers", {})
        async with self.http.request(method, self.address + path, allow_redirects=False, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        """POST."""
        return await self.request("POST", path, **options)

    async def patch(self, path: str, body: Any, **options: Any) -> Answer:
        """PATCH with JSON."""
        return await self.request("PATCH", path, json=body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Answer:
        """PUT with JSON."""
        return await self.request("PUT", path, json=body, **options)

    async def listen(self, query: str = "", **options: Any) -> Ear:
        """Open the live socket; the answer's status is in the error when it is refused."""
        socket = await self.http.ws_connect(f"{self.address}/api/v1/live{query}", **options)
        self._stack.push_async_callback(socket.close)
        return Ear(socket)

    def cookie(self, name: str = COOKIE) -> str | None:
        """A cookie's value."""
        return next((cookie.value for cookie in self.http.cookie_jar if cookie.key == name), None)

    def csrf_headers(self) -> dict[str, str]:
        """What a page of ours adds to its requests."""
        key = self.cookie()
        return {} if key is None else {CSRF_HEADER: csrf_of(key)}


class Ear:
    """A live socket, as somebody hears it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Any:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            return await self.socket.receive_json()

    async def until(self, type_: str) -> Any:
        """The next message of this type; those before it are passed over."""
        while (message := await self.next())["type"] != type_:
            pass
        return message

    async def heard(self, type_: str) -> list[Any]:
        """What comes up to and with the next message of this type."""
        messages = [await self.next()]
        while messages[-1]["type"] != type_:
            messages.append(await self.next())
        return messages

    async def close_code(self) -> int | None:
        """With what the server closes; messages before that are passed over."""
        async with asyncio.timeout(PATIENCE):
            while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return message.data if message.type is aiohttp.WSMsgType.CLOSE else self.socket.close_code
