"""A node of the package `zre` behind the line protocol of `zyre peer`."""

import argparse
import asyncio
import json
import sys
import uuid

from zre import ZreNode


def out(**line):
    print(json.dumps(line, default=bytes.decode), flush=True)


async def report(node):
    async for event in node.events():
        line = {"event": event["type"], "name": event.get("peer_name")}
        if "peer_id" in event:
            line["peer"] = event["peer_id"]
        if "group" in event:
            line["group"] = event["group"]
        if event["type"] == "ENTER":
            line["headers"] = {"X-OURS": node.peer_header_value(event["peer_id"], "X-OURS")}
        payload = event.get("payload")
        if payload is not None:
            line["content"] = [payload]
        out(**line)


async def obey(node):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := (await reader.readline()).decode().rstrip("\n"):
        word, _, rest = line.partition(" ")
        first, _, tail = rest.partition(" ")
        if word == "quit":
            return
        if word in ("join", "leave"):
            await getattr(node, word)(first)
        elif word == "whisper":
            await node.whispers(first, tail)
        elif word == "shout":
            await node.shouts(first, tail)
        elif word == "burst":
            for nth in range(int(tail)):
                await node.whispers(first, str(nth))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--interface")
    parser.add_argument("--port", type=int)
    parser.add_argument("--name")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--join", action="append", default=[])
    options = parser.parse_args()
    node = ZreNode(options.name)
    node.set_interface(options.interface)
    node.set_port(options.port)
    for header in options.header:
        node.set_header(*header.split("=", 1))
    await node.start()
    running = asyncio.create_task(node.run())
    for group in options.join:
        await node.join(group)
    reporting = asyncio.create_task(report(node))
    out(event="STARTED", peer=uuid.UUID(node.peer_id_hex).hex)
    await obey(node)
    reporting.cancel()
    running.cancel()
    await node.stop()


asyncio.run(main())
