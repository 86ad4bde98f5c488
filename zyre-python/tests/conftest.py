"""Nodes on loopback, which see no others: each test has a beacon port of its own."""

from __future__ import annotations

import socket
import time

import pytest

import zyre

# The time in which everything comes, on a machine that is busy.
PATIENCE = 20


class Bed:
    """The nodes of one test."""

    def __init__(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.nodes = []

    def node(self, name=None, **settings):
        settings = {"interfaces": ["lo"], "beacon_port": self.port, **settings}
        node = zyre.Node(name, **settings)
        self.nodes.append(node)
        return node

    def pair(self, **settings):
        """Two nodes that have met, with their first events taken."""
        alice, bob = self.node("alice", **settings), self.node("bob", **settings)
        wait_for(alice, zyre.Enter, peer=bob.id)
        wait_for(bob, zyre.Enter, peer=alice.id)
        return alice, bob

    def close(self):
        for node in self.nodes:
            try:
                node.stop()
            except zyre.Error:
                pass


def wait_for(node, kind, **fields):
    """Takes events until one of this kind has these fields, and returns it."""
    end = time.monotonic() + PATIENCE
    seen = []
    while (left := end - time.monotonic()) > 0:
        event = node.recv(left)
        seen.append(event)
        if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
            return event
    raise AssertionError(f"no {kind.__name__} {fields}, only {seen}")


def until(is_so, what="it"):
    """Waits until something is so, and returns it."""
    end = time.monotonic() + PATIENCE
    while True:
        result = is_so()
        if result:
            return result
        assert time.monotonic() < end, f"{what} has not come about"
        time.sleep(0.005)


@pytest.fixture
def bed():
    bed = Bed()
    yield bed
    bed.close()
