#!/usr/bin/env python3
"""Measures this package, in runs that alternate, each in processes of its own; medians.

    cargo build --release --example peer
    python bench/run.py --peer target/release/examples/peer modern
    python bench/run.py --pyre PYTHON compatible

`modern`: the Rust peer sends to itself and to Python, by all ways of receiving; and round trips.
`compatible`: one program, two nodes of pyre's API in one process; on pyre, with the Python of PYTHON, and on
`zyre.pyre`. The nodes of pyre do not use loopback: run it in a network namespace with an interface.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = __file__


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Receivers: each takes `count` messages, and tells how many that are per second, and what a message costs.


class Tally:
    def __init__(self, count):
        self.left, self.count, self.began, self.cpu = count, count, 0.0, 0.0

    def begin(self):
        self.began, self.cpu = time.perf_counter(), time.process_time()

    def tell(self):
        took, cpu = time.perf_counter() - self.began, time.process_time() - self.cpu
        print(json.dumps({"per_second": self.count / took, "cpu": cpu / self.count * 1e6}))


def one_by_one(node, count):
    import zyre

    tally, recv, left = Tally(count), node.recv, count
    while left:
        event = recv()
        if isinstance(event, zyre.Whisper):
            if left == count:
                tally.begin()
            left -= 1
    tally.tell()


def iterated(node, count):
    import zyre

    tally, left = Tally(count), count
    for event in node:
        if isinstance(event, zyre.Whisper):
            if left == count:
                tally.begin()
            left -= 1
            if not left:
                break
    tally.tell()


def batches(node, count):
    import zyre

    tally, left = Tally(count), count
    while left:
        for event in node.recv_batch():
            if isinstance(event, zyre.Whisper):
                if left == count:
                    tally.begin()
                left -= 1
    tally.tell()


def asynchronous(node, count):
    import zyre

    async def main():
        tally, left = Tally(count), count
        async for event in node:
            if isinstance(event, zyre.Whisper):
                if left == count:
                    tally.begin()
                left -= 1
                if not left:
                    break
        tally.tell()

    asyncio.run(main())


def answered(node, _count):
    import zyre

    for event in node:
        if isinstance(event, zyre.Whisper):
            node.whisper(event.peer, event.content)
        elif isinstance(event, zyre.Exit):
            break


def answered_async(node, _count):
    import zyre

    async def main():
        async for event in node:
            if isinstance(event, zyre.Whisper):
                node.whisper(event.peer, event.content)
            elif isinstance(event, zyre.Exit):
                break

    asyncio.run(main())


def sent(node, count):
    """The sender's side: how many whispers there are per second."""
    import zyre

    peer = next(event.peer for event in node if isinstance(event, zyre.Enter))
    time.sleep(0.3)
    tally, content = Tally(count), b"x" * 32
    tally.begin()
    for _ in range(count):
        try:
            node.whisper(peer, content)
        except zyre.Full:
            node.ready(peer, 32)
            node.whisper(peer, content)
    tally.tell()
    # Until the other one has taken all, and is gone.
    while not isinstance(node.recv(10), (zyre.Exit, type(None))):
        pass


RECEIVERS = {
    "recv": one_by_one,
    "for": iterated,
    "recv_batch": batches,
    "async for": asynchronous,
    "answer": answered,
    "answer async": answered_async,
    "send": sent,
}


def work(way, port, count):
    """One Python process of a measurement."""
    import zyre

    with zyre.Node(interfaces=["lo"], beacon_port=port) as node:
        RECEIVERS[way](node, count)


def compatible(api, count):
    """Two nodes in one process: a thread whispers, the main thread polls and receives."""
    import zmq

    if api == "pyre":
        from pyre import Pyre
    else:
        from zyre.pyre import Pyre
    nodes = [Pyre(name) for name in ("a", "b")]
    for node in nodes:
        node.start()
    a, b = nodes
    end = time.monotonic() + 15
    while b.uuid() not in a.peers() or a.uuid() not in b.peers():
        assert time.monotonic() < end, "they do not meet"
        time.sleep(0.05)
    target, tally, heard = b.uuid(), Tally(count), 0

    def run():
        for _ in range(count):
            a.whisper(target, b"x" * 32)

    poller = zmq.Poller()
    poller.register(b.socket(), zmq.POLLIN)
    tally.begin()
    sender = threading.Thread(target=run)
    sender.start()
    while heard < count:
        if b.socket() not in dict(poller.poll(10_000)):
            sys.exit(f"only {heard} of {count} have come")
        heard += b.recv()[0] == b"WHISPER"
    tally.tell()
    sender.join()
    for node in nodes:
        node.stop()


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def pair(first, second):
    """Runs two programs that meet, and returns what either tells."""
    with subprocess.Popen(first, stdout=subprocess.PIPE, text=True) as one:
        with subprocess.Popen(second, stdout=subprocess.PIPE, text=True) as two:
            said = one.communicate(timeout=300)[0] + two.communicate(timeout=300)[0]
    return json.loads(said.splitlines()[-1])


def modern(options):
    def rust(work, port):
        return [options.peer, work, str(port), str(options.asks if work == "ask" else options.count)]

    def python(way, port):
        return [sys.executable, HERE, "--count", str(options.count), "work", way, str(port)]

    ways = {"Rust": lambda port: (rust("receive", port), rust("send", port))}
    for way in ("recv", "for", "recv_batch", "async for"):
        ways[way] = lambda port, way=way: (python(way, port), rust("send", port))
    ways["send"] = lambda port: (rust("receive", port), python("send", port))
    ways["Rust, round trip"] = lambda port: (rust("answer", port), rust("ask", port))
    ways["for, round trip"] = lambda port: (python("answer", port), rust("ask", port))
    ways["async for, round trip"] = lambda port: (python("answer async", port), rust("ask", port))
    alternate({way: lambda make=make: pair(*make(free_port())) for way, make in ways.items()}, options)


def compare(options):
    def side(python, api):
        return [python, HERE, "--count", str(options.count), "pair", api]

    alternate(
        {
            "pyre": lambda: run(side(options.pyre, "pyre")),
            "zyre.pyre": lambda: run(side(sys.executable, "zyre")),
        },
        options,
    )


def alternate(ways, options):
    """Runs all in turn, several times, and prints the medians, beside those of the first of their kind."""
    said = {way: [] for way in ways}
    for _ in range(options.runs):
        for way, measure in ways.items():
            said[way].append(measure())
    first = {}
    print(f"{'medians of ' + str(options.runs):<24}{'':>14}{'x the first':>14}{'CPU, us':>12}{'all runs':>12}")
    for way, runs in said.items():
        kind = next(iter(runs[0]))
        values = [run[kind] for run in runs]
        value = statistics.median(values)
        first.setdefault(kind, value)
        unit = "/s" if kind == "per_second" else "us"
        cpu = statistics.median(run.get("cpu", 0) for run in runs)
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        print(
            f"{way:<24}{value:>12,.0f}{unit}{value / first[kind]:>14.2f}"
            f"{cpu if cpu else '':>12{'.1f' if cpu else ''}}  {spread}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peer", default="target/release/examples/peer", help="the Rust peer")
    parser.add_argument("--pyre", default=sys.executable, help="a Python that has pyre")
    parser.add_argument("--count", type=int, default=1_000_000, help="messages of a run")
    parser.add_argument("--asks", type=int, default=5000, help="round trips of a run")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("what", choices=["modern", "compatible", "work", "pair"])
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    if options.what == "work":
        work(options.arguments[0], int(options.arguments[1]), options.count)
    elif options.what == "pair":
        compatible(options.arguments[0], options.count)
    elif options.what == "modern":
        modern(options)
    else:
        options.count = min(options.count, 20_000)
        compare(options)


if __name__ == "__main__":
    main()
