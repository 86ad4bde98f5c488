"""A program whose types mypy checks: it is not run."""

import asyncio
from typing import Optional
from uuid import UUID

import zyre
from zyre.pyre import Pyre, PyreEvent


def hear(node: zyre.Node) -> Optional[UUID]:
    with node:
        for event in node:
            match event:
                case zyre.Whisper(peer=peer, content=content):
                    node.whisper(peer, [content, "and", bytearray(content)])
                case zyre.Shout(peer, name, group, content):
                    node.shout(group, name.encode() + content)
                    return peer
                case zyre.Exit(reason=zyre.ExitReason.OVERFLOW):
                    return event.peer
    return None


async def wait(node: zyre.Node) -> list[zyre.Event]:
    async with node:
        async for event in node:
            if isinstance(event, zyre.Enter):
                await node.aready(event.peer, 10, timeout=1)
                key: Optional[zyre.PublicKey] = event.key
                assert key is None
        return await node.arecv_batch()


def old(node: Pyre) -> list[bytes]:
    event = PyreEvent(node)
    node.whisper(event.peer_uuid, b"x")
    return node.recv()


asyncio.run(wait(zyre.Node("a", require=["a:1", (UUID(int=1), "b:2")], limits=zyre.Limits(peers=1))))
