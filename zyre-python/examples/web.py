#!/usr/bin/env python3
"""A web page that shows who is on the network, and what is shouted, as it happens.

    python web.py [PORT]        then open http://localhost:8080

One event loop has the node and the web server; nothing is installed besides zyre.
"""

import asyncio
import html
import json
import sys

import zyre

PAGE = """<!doctype html><meta charset="utf-8"><title>zyre</title>
<h1>{name}</h1><ul id="peers"></ul><ol id="lines"></ol>
<form onsubmit="fetch('/shout', {{method: 'POST', body: text.value}}); text.value = ''; return false">
<input id="text" autofocus placeholder="say something to all"></form>
<script>
new EventSource("/events").onmessage = message => {{
    const {{peers, line}} = JSON.parse(message.data);
    document.getElementById("peers").replaceChildren(...peers.map(name => {{
        const item = document.createElement("li"); item.textContent = name; return item; }}));
    if (line) {{
        const item = document.createElement("li"); item.textContent = line;
        document.getElementById("lines").append(item); }}
}};
</script>"""
# The most bytes of what a browser sends.
MOST = 65_536


class Pages:
    """The browsers that look, and what they are told."""

    def __init__(self, node):
        self.node = node
        self.browsers = set()

    def tell(self, line=None):
        peers = [info.name for info in self.node.peers_info()]
        for browser in self.browsers:
            # A browser that does not read misses some.
            if not browser.full():
                browser.put_nowait(json.dumps({"peers": peers, "line": line}))

    async def follow(self):
        async for event in self.node:
            if isinstance(event, zyre.Shout):
                self.tell(f"{event.name}: {event.text}")
            elif isinstance(event, (zyre.Enter, zyre.Exit)):
                self.tell()

    async def answer(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            request = head.split(b"\r\n")[0].decode("latin-1")
            if request.startswith("GET /events "):
                await self.stream(writer)
            elif request.startswith("POST /shout "):
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                length = int(lengths[0].split(b":")[1]) if lengths else 0
                text = (await reader.readexactly(min(length, MOST))).decode(errors="replace")
                self.node.shout("web", text)
                self.tell(f"{self.node.name}: {text}")
                self.reply(writer, "")
            else:
                self.reply(writer, PAGE.format(name=html.escape(self.node.name)))
            await writer.drain()
        except (OSError, EOFError, ValueError):
            # The browser has gone, or is none.
            pass
        finally:
            writer.close()

    async def stream(self, writer):
        browser = asyncio.Queue(100)
        self.browsers.add(browser)
        self.tell()
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while True:
                writer.write(f"data: {await browser.get()}\n\n".encode())
                await writer.drain()
        finally:
            self.browsers.discard(browser)

    def reply(self, writer, page):
        body = page.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)


async def main(port=8080, **settings):
    async with zyre.Node(groups=["web"], **settings) as node:
        pages = Pages(node)
        # Only for browsers of this machine.
        server = await asyncio.start_server(pages.answer, "localhost", port, limit=MOST)
        async with server:
            print(f"http://localhost:{server.sockets[0].getsockname()[1]}", flush=True)
            await pages.follow()


if __name__ == "__main__":
    try:
        asyncio.run(main(*map(int, sys.argv[1:])))
    except KeyboardInterrupt:
        pass
