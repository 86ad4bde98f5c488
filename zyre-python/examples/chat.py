#!/usr/bin/env python3
"""A chat: everybody on the network who runs this program is in it.

    python chat.py NAME
"""

import sys
import threading

import zyre

GROUP = "chat"


def printable(text):
    """Others may send anything: nothing of it may move the cursor of this terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def show(node):
    for event in node:
        if isinstance(event, zyre.Join) and event.group == GROUP:
            print(f"* {printable(event.name)} is here", flush=True)
        elif isinstance(event, zyre.Exit):
            print(f"* {printable(event.name)} is gone: {event.reason}", flush=True)
        elif isinstance(event, zyre.Shout):
            print(f"{printable(event.name)}: {printable(event.text)}", flush=True)


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else None
    # What comes behind the name are interfaces: mostly none is needed.
    with zyre.Node(name, groups=[GROUP], interfaces=sys.argv[2:]) as node:
        print(f"* you are {node.name}; Ctrl-D ends", flush=True)
        threading.Thread(target=show, args=(node,), daemon=True).start()
        try:
            for line in sys.stdin:
                node.shout(GROUP, line.rstrip("\n"))
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
