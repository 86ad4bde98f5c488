#!/usr/bin/env python3
"""Sends files to everybody who receives some, with a progress bar.

    python files.py receive FOLDER
    python files.py send FILE ...       until each was received once
"""

import sys

import zyre

WIDTH = 40


def bar(event):
    """Shows how far a file is."""
    total = event.total or event.bytes or 1
    full = WIDTH * event.bytes // total
    speed = event.rate / 1e6
    sys.stdout.write(f"\r{event.name} [{'#' * full}{'.' * (WIDTH - full)}] {speed:.1f} MB/s ")
    sys.stdout.flush()


def receive(folder, **settings):
    with zyre.Node(receive=folder, **settings) as node:
        for event in node:
            if isinstance(event, zyre.Receiving):
                bar(event)
            elif isinstance(event, zyre.Deliver):
                print(f"\r{event.path}: {event.size} bytes", flush=True)
            elif isinstance(event, zyre.Refused):
                print(f"\r{event.name}: {event.reason}", flush=True)


def send(paths, **settings):
    with zyre.Node(publishing=True, **settings) as node:
        waiting = {node.publish(path) for path in paths}
        print(f"{len(waiting)} files wait for somebody who receives", flush=True)
        for event in node:
            if isinstance(event, zyre.Sending):
                bar(event)
            elif isinstance(event, zyre.Confirmed):
                print(f"\r{event.name}: {event.size} bytes have arrived", flush=True)
                waiting.discard(event.name)
            elif isinstance(event, (zyre.Rejected, zyre.Declined)):
                print(f"\r{event.name}: {event.reason}", flush=True)
            if not waiting:
                break


def main():
    work, *paths = sys.argv[1:] or ["help"]
    try:
        if work == "receive" and len(paths) == 1:
            receive(paths[0])
        elif work == "send" and paths:
            send(paths)
        else:
            sys.exit(__doc__)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
