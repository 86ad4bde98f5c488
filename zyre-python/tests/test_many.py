"""Many nodes in one interpreter, and a long run that leaves nothing behind."""

import asyncio
import gc
import os
import threading
import tracemalloc

from conftest import PATIENCE, until, wait_for

import zyre


def test_fifty_nodes_in_one_interpreter(bed):
    count = 50
    nodes = [bed.node(f"n{nth}", groups=["all"]) for nth in range(count)]
    ids = {node.id for node in nodes}
    assert len(ids) == count
    for node in nodes:
        until(lambda node=node: len(node.peers_in("all")) == count - 1, "the mesh")
        assert set(node.peers()) == ids - {node.id}
    nodes[0].shout("all", "to all")

    async def hear(node):
        while True:
            event = await node.arecv(PATIENCE)
            assert event is not None, f"{node} has heard nothing"
            if isinstance(event, zyre.Shout):
                return event.text

    async def main():
        return await asyncio.gather(*map(hear, nodes[1:]))

    assert asyncio.run(main()) == ["to all"] * (count - 1)


def resident():
    """Bytes of memory that the process has."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def one_round(bed):
    """Everything that makes objects: nodes, events of all ways, waits, errors, and ends."""
    with bed.node("alice", groups=["g"]) as alice, bed.node("bob", groups=["g"]) as bob:
        wait_for(alice, zyre.Join)
        wait_for(bob, zyre.Join)
        for nth in range(2000):
            alice.ready(bob.id, 100)
            alice.whisper(bob.id, ["x" * 50, str(nth)])
            if nth % 100 == 0:
                alice.shout("g", b"y" * 1000)
                try:
                    alice.whisper(alice.id, "x")
                except zyre.UnknownPeer:
                    pass
        heard = 0
        while heard < 500:
            heard += isinstance(bob.recv(PATIENCE), (zyre.Whisper, zyre.Shout))
        while heard < 1000:
            heard += len([(event.peer, event.frames) for event in bob.recv_batch(500, PATIENCE)])

        async def main():
            more = 0
            async for event in bob:
                more += 1
                _ = (event.peer, event.name, event.text, repr(event))
                if more == 500:
                    return

        asyncio.run(main())
        thread = threading.Thread(target=list, args=(bob,))
        thread.start()
        _ = (alice.peers_info(), alice.stats(), alice.interfaces(), alice.connections(), alice.gossip())
        bob.stop()
        thread.join(PATIENCE)
    bed.nodes.clear()


def test_a_soak_ends_where_it_began(bed):
    """Memory of Python is counted to the byte, that of the process roughly."""
    # What is kept once and for all: types, imports, ids, arenas.
    for _ in range(3):
        one_round(bed)
    gc.collect()
    tracemalloc.start(10)
    before, resident_before = tracemalloc.take_snapshot(), resident()
    for _ in range(10):
        one_round(bed)
    gc.collect()
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()
    grown = [
        stat for stat in after.compare_to(before, "lineno") if "zyre" in str(stat.traceback) or stat.size_diff > 50_000
    ]
    assert sum(stat.size_diff for stat in grown) < 50_000, "\n".join(map(str, grown[:10]))
    # 20 nodes and 20,000 messages: what is lost for each would show.
    assert resident() - resident_before < 16 << 20, (resident_before, resident())
    # The threads of nodes end with them.
    until(lambda: len(os.listdir("/proc/self/task")) < 20, "the end of threads")
