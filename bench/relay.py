"""The floor of ring-to-pop: AMI bytes in, one WebSocket message out, nothing in between.

Run as `python -m bench.relay`; prints the address it serves at. `/?extension=N` is the socket of an extension.
"""

from __future__ import annotations

import asyncio
import re
import sys

from aiohttp import web

RINGING = re.compile(
    rb"Event: Newstate\r\n.*?Channel: PJSIP/(\d+)-.*?ChannelState: 5\r\n.*?ConnectedLineNum: (\d+)", re.S
)


class Relay:
    """Hands each ringing event to the socket of its extension."""

    def __init__(self) -> None:
        self.sockets: dict[bytes, web.WebSocketResponse] = {}

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """One browser."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.sockets[request.query["extension"].encode()] = socket
        await socket.send_str('{"type": "hello"}')
        async for _ in socket:
            pass
        return socket

    async def read(self, port: int) -> None:
        """The PBX's bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"Action: Login\r\nActionID: 1\r\n\r\nAction: Status\r\nActionID: 2\r\n\r\n")
        while True:
            frame = await reader.readuntil(b"\r\n\r\n")
            found = RINGING.search(frame)
            if found and (socket := self.sockets.get(found[1])):
                await socket.send_str(f'{{"type": "call.rang", "call": {{"number": "+{found[2].decode()}"}}}}')


async def main(ami_port: int) -> None:
    """Serve until the process is ended."""
    relay = Relay()
    app = web.Application()
    app.router.add_get("/", relay.socket)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await relay.read(ami_port)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
