"""The modern face in an event loop."""

import asyncio

import pytest
from conftest import PATIENCE, until, wait_for

import zyre


def run(coroutine):
    async def limited():
        return await asyncio.wait_for(coroutine, 3 * PATIENCE)

    return asyncio.run(limited())


def test_events_come_to_a_loop(bed):
    async def main():
        async with bed.node("alice", groups=["g"]) as alice, bed.node("bob", groups=["g"]) as bob:

            async def echo():
                async for event in bob:
                    if isinstance(event, zyre.Join):
                        for nth in range(1000):
                            await bob.aready(event.peer, 10)
                            bob.whisper(event.peer, str(nth))
                    elif isinstance(event, zyre.Shout):
                        return event.text

            task = asyncio.create_task(echo())
            heard = []
            async for event in alice:
                if isinstance(event, zyre.Whisper):
                    heard.append(event.text)
                    if len(heard) == 1000:
                        break
            assert heard == [str(nth) for nth in range(1000)]
            alice.shout("g", "done")
            assert await task == "done"
            await bob.astop()
            assert isinstance([event async for event in bob][-1], zyre.Stop)
            # What was not taken before `break` comes later.
            while not isinstance(await alice.arecv(PATIENCE), zyre.Exit):
                pass

    run(main())


def test_other_tasks_run_while_events_come_without_end(bed):
    alice, bob = bed.pair()

    async def main():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        heard = 0
        for nth in range(1000):
            alice.whisper(bob.id, str(nth))
        await asyncio.sleep(0.5)
        before = turns
        async for event in bob:
            heard += isinstance(event, zyre.Whisper)
            if heard == 1000:
                break
        assert turns - before >= 3
        counting.cancel()

    run(main())


def test_a_wait_may_end_early_and_loses_nothing(bed):
    alice, bob = bed.pair()

    async def main():
        assert await bob.arecv(0.05) is None
        assert await bob.arecv_batch(10, 0.05) == []
        waiting = [asyncio.create_task(bob.arecv()) for _ in range(3)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        for nth in range(3):
            alice.whisper(bob.id, str(nth))
        texts = {(await task).text for task in waiting[1:]}
        texts |= {event.text for event in await bob.arecv_batch(10, PATIENCE)}
        assert texts == {"0", "1", "2"}
        assert waiting[0].cancelled()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(bob.arecv(), 0.05)
        alice.whisper(bob.id, "later")
        assert (await bob.arecv(PATIENCE)).text == "later"

    run(main())


def test_a_loop_that_ends_leaves_the_node_to_the_next(bed):
    alice, bob = bed.pair()
    for nth in range(3):

        async def once(nth=nth):
            alice.whisper(bob.id, str(nth))
            return await bob.arecv(PATIENCE)

        assert run(once()).text == str(nth)


def test_files_and_the_rest_wait_without_blocking(bed, tmp_path):
    (tmp_path / "x").write_text("x")

    async def main():
        async with bed.node("alice", publishing=True, groups=["g"]) as alice:
            assert await alice.apublish(tmp_path / "x", group="g", ignore=("*.tmp",)) == "/x"
            assert await alice.aretract("/x") is True
            assert await alice.aretract("/x") is False
            await alice.aready_in("g", 10)
            with pytest.raises(zyre.UnknownPeer):
                await alice.aready(alice.id)
            with pytest.raises(zyre.ShareError):
                await alice.apublish(tmp_path / "nosuch")

    run(main())


def test_ready_waits_for_a_peer_that_does_not_read(bed):
    limits = zyre.Limits(events=100, link_messages=100)
    alice, bob = bed.pair(limits=limits)

    async def main():
        with pytest.raises(zyre.Full):
            while True:
                alice.whisper(bob.id, bytes(1000))
        assert await alice.aready(bob.id, 1000, timeout=0.1) is False
        ready = asyncio.create_task(alice.aready(bob.id, 1000))
        while not ready.done():
            await bob.arecv_batch(timeout=0.1)
        assert await ready is True

    run(main())


def test_a_descriptor_is_readable_as_long_as_there_are_events(bed):
    import select

    alice, bob = bed.pair()

    def is_readable(timeout=0):
        return bool(select.select([bob], [], [], timeout)[0])

    bob.fileno()
    assert bob.try_recv() is None
    assert not is_readable()
    for nth in range(3):
        alice.whisper(bob.id, str(nth))
    for nth in range(3):
        assert is_readable(PATIENCE)
        assert wait_for(bob, zyre.Whisper).text == str(nth)
    while bob.try_recv() is not None:
        pass
    assert not is_readable()
    bob.stop()
    assert is_readable(PATIENCE)


def test_two_loops_share_a_node(bed):
    import threading

    alice, bob = bed.pair()
    heard = []

    def receive():
        async def main():
            while True:
                try:
                    event = await bob.arecv()
                except zyre.Stopped:
                    return
                heard.append(event)

        asyncio.run(main())

    threads = [threading.Thread(target=receive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for nth in range(200):
        alice.whisper(bob.id, str(nth))
        until(lambda: len(heard) > nth)
    bob.stop()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_node_that_is_dropped_in_a_loop_stops(bed):
    alice = bed.node("alice")

    async def main():
        bob = zyre.Node("bob", interfaces=["lo"], beacon_port=bed.port)
        async for event in bob:
            if isinstance(event, zyre.Enter):
                break
        del bob, event
        while True:
            event = await alice.arecv(PATIENCE)
            assert event is not None, "the node has not stopped"
            if isinstance(event, zyre.Exit):
                return event.name

    assert run(main()) == "bob"
