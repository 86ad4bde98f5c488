"""Threads, signals, forks, and the end of the interpreter."""

import faulthandler
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from conftest import PATIENCE, wait_for

import zyre

faulthandler.enable()


def python(text, *arguments, status=0, **settings):
    """Runs a program, and returns what it prints."""
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(text), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **settings)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_other_threads_run_while_one_waits(bed):
    alice = bed.node()
    turns = 0

    def count():
        nonlocal turns
        end = time.monotonic() + 1
        while time.monotonic() < end:
            turns += 1

    thread = threading.Thread(target=count)
    while alice.recv(0.1) is not None:
        pass
    thread.start()
    assert alice.recv(1) is None
    thread.join()
    assert turns > 100_000


def test_many_threads_receive_from_one_node_and_each_event_comes_once(bed):
    alice, bob = bed.pair()
    heard, lock = [], threading.Lock()

    def receive():
        for event in bob:
            if isinstance(event, zyre.Whisper):
                with lock:
                    heard.append(int(event.text))

    threads = [threading.Thread(target=receive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for nth in range(5000):
        alice.ready(bob.id, 10)
        alice.whisper(bob.id, str(nth))
    end = time.monotonic() + PATIENCE
    while len(heard) < 5000 and time.monotonic() < end:
        time.sleep(0.01)
    bob.stop()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert sorted(heard) == list(range(5000))


@pytest.mark.parametrize(
    "wait",
    [
        "node.recv()",
        "node.recv_batch()",
        "next(iter(node))",
        "[event for event in node]",
        "asyncio.run(node.arecv())",
    ],
)
def test_a_signal_ends_a_wait_at_once(bed, wait):
    program = f"""
        import asyncio, os, signal, sys, threading, time, zyre
        node = zyre.Node(interfaces=["lo"], beacon_port={bed.port})
        while node.recv(0.2): pass
        def interrupt():
            global sent
            time.sleep(0.3)
            sent = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print(time.monotonic() - sent)
    """
    assert float(python(program)) < 1


def test_a_child_of_a_fork_is_told_so_and_the_parent_notices_nothing(bed):
    alice, bob = bed.pair()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for act in (bob.recv, bob.peers, bob.stop, bob.fileno, lambda: bob.join("g"), bob.try_recv):
                try:
                    act()
                    os._exit(2)
                except zyre.ForkedError as error:
                    assert "after the fork" in str(error)
            # A node of the child's own.
            with zyre.Node("child", interfaces=["lo"], beacon_port=bed.port) as node:
                wait_for(node, zyre.Enter, name="bob")
            zyre._zyre._stop_all()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    wait_for(bob, zyre.Exit, name="child")
    bob.whisper(alice.id, "still here")
    assert wait_for(alice, zyre.Whisper).text == "still here"


def test_multiprocessing_starts_nodes_of_its_own(bed):
    program = f"""
        import multiprocessing, sys, zyre
        def work(_):
            try:
                node.peers()
            except zyre.ForkedError:
                with zyre.Node("w", interfaces=["lo"], beacon_port={bed.port}) as mine:
                    return mine.name
        node = zyre.Node(interfaces=["lo"], beacon_port={bed.port})
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(work, range(2)))
        node.recv(0)
        node.stop()
    """
    assert python(program) == "['w', 'w']\n"


ENDS = {
    "with a node that nobody has stopped": "",
    "with a daemon thread that waits": "threading.Thread(target=list, args=(node,), daemon=True).start()",
    "with ten that wait, and one that does not hear": """
for _ in range(10): threading.Thread(target=list, args=(node,), daemon=True).start()
def deaf():
    while True:
        try: node.recv()
        except BaseException: pass
threading.Thread(target=deaf, daemon=True).start()
""",
    "with an exception": "raise SystemExit(0)",
    "in a loop over events": "for event in node: sys.exit(0) if isinstance(event, zyre.Enter) else None",
    "with a cycle that has a node": "node.me = node; del node; gc.collect()",
    "in an event loop": """
async def main():
    async for event in node:
        return
asyncio.run(main())
""",
    "with an event that outlives it": "event = peer.recv(); atexit.register(lambda: print(end='', file=sys.stderr))",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends(bed, how):
    start = f"""
import asyncio, atexit, gc, sys, threading, zyre
node = zyre.Node("a", interfaces=["lo"], beacon_port={bed.port})
peer = zyre.Node("b", interfaces=["lo"], beacon_port={bed.port})
"""
    before = time.monotonic()
    assert python(start + ENDS[how]) == ""
    assert time.monotonic() - before < 20


def test_the_last_words_arrive_and_so_does_the_goodbye(bed):
    alice = bed.node("alice")
    program = f"""
        import zyre
        node = zyre.Node("b", interfaces=["lo"], beacon_port={bed.port})
        for event in node:
            if isinstance(event, zyre.Enter):
                node.whisper(event.peer, "x" * 100_000)
                break
    """
    python(program)
    assert len(wait_for(alice, zyre.Whisper).content) == 100_000
    assert wait_for(alice, zyre.Exit).reason is zyre.ExitReason.GOODBYE


def test_a_process_that_is_killed_is_lost(bed):
    alice = bed.node("alice")
    program = f"""
import zyre
node = zyre.Node("b", interfaces=["lo"], beacon_port={bed.port})
list(node)
"""
    child = subprocess.Popen([sys.executable, "-c", program])
    wait_for(alice, zyre.Enter)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert wait_for(alice, zyre.Exit).reason is zyre.ExitReason.LINK_LOST


def test_a_hundred_random_orders_neither_hang_nor_crash(bed):
    """Stops, drops, waits, sends and collects in any order, from several threads."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    choice = random.Random(seed)
    import gc

    for _ in range(100):
        nodes = [zyre.Node(interfaces=["lo"], beacon_port=bed.port) for _ in range(choice.randint(1, 3))]
        threads = []

        def wait(node):
            try:
                for _ in node:
                    pass
            except zyre.Error:
                pass

        acts = [
            lambda node: node.stop(),
            lambda node: node.abort(),
            lambda node: node.recv(0.01),
            lambda node: node.recv_batch(10, 0.01),
            lambda node: node.shout("g", "x"),
            lambda node: node.join("g"),
            lambda node: [node.whisper(peer, "x") for peer in node.peers()],
            lambda node: [node.ready(peer, 10, 0.01) for peer in node.peers()],
            lambda node: node.fileno(),
            lambda node: nodes.remove(node),
            lambda node: gc.collect(),
            lambda node: threads.append(threading.Thread(target=wait, args=(node,), daemon=True)),
            lambda node: threads[-1].start() if threads and not threads[-1].ident else None,
        ]
        for _ in range(choice.randint(1, 12)):
            if nodes:
                try:
                    choice.choice(acts)(choice.choice(nodes))
                except zyre.Error:
                    pass
        for node in list(nodes):
            if choice.random() < 0.5:
                node.stop()
        nodes.clear()
        started = [thread for thread in threads if thread.ident]
        # The threads that still wait hold their nodes.
        for thread in started:
            node = thread._args[0] if thread.is_alive() and getattr(thread, "_args", None) else None
            if node is not None:
                node.stop()
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_exceptions_in_the_loop_leave_the_node_usable(bed):
    alice, bob = bed.pair()
    for nth in range(20):
        alice.whisper(bob.id, str(nth))
    heard = []
    while len(heard) < 20:
        try:
            for event in bob:
                heard.append(event.text)
                raise ValueError(event.text)
        except ValueError:
            pass
    assert heard == [str(nth) for nth in range(20)]
