"""Carries connections from one place to another: `relay.py FROM TO`, each a TCP port or the path of a Unix socket.

It says "ready" when it listens. It ends with its standard input, so with the process that started it, however that
one ends. It runs on this machine and in a container, so it needs nothing but Python.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress

_CHUNK_BYTES = 65536


async def relay(listen: str, target: str) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # nobody listens there, or one side broke off: the other sees its connection end
            there, back = await _connect(target)
            await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)
            back.close()
        writer.close()

    server = (
        await asyncio.start_server(carry, sock=_on_link(int(listen)))
        if listen.isdigit()
        else await asyncio.start_unix_server(carry, listen)
    )
    async with server:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)  # whatever it carries at the moment ends with it


def _on_link(port: int) -> socket.socket:
    """A socket that answers only callers on its own network: to any other, no answer finds a route.

    A container's address can be reached from beyond its host, by whoever sets a route to it there.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
    listener.bind(("", port))
    return listener


async def _connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if target.isdigit():
        return await asyncio.open_connection("127.0.0.1", int(target))
    return await asyncio.open_unix_connection(target)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
