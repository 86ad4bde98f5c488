"""The compatible face: what programs of pyre do."""

import json
import logging
import subprocess
import sys
import textwrap
import threading
import time
import uuid

import pytest
from conftest import PATIENCE, until

zmq = pytest.importorskip("zmq")

from zyre import pyre  # noqa: E402
from zyre.pyre import Pyre, PyreEvent, zhelper  # noqa: E402


@pytest.fixture
def nodes(bed):
    """Makes nodes with pyre's API, and stops them."""
    made = []

    def make(name=None, kind=Pyre, **arguments):
        node = kind(name, **arguments)
        node.set_interface("lo")
        node.set_port(str(bed.port).encode())
        made.append(node)
        return node

    yield make
    for node in made:
        node.stop()


def recv(node):
    """The next message, or a failure."""
    assert node.socket().poll(PATIENCE * 1000), "no message has come"
    return node.recv()


def started_pair(nodes, *groups):
    a, b = nodes("a"), nodes("b")
    for node in (a, b):
        for group in groups:
            node.join(group)
        node.start()
    until(lambda: b.uuid() in a.peers() and a.uuid() in b.peers())
    return a, b


def test_messages_have_the_frames_of_pyre(nodes):
    a, b = nodes("a"), nodes("b")
    a.set_header("X-TEST", "1")
    a.join("G")
    a.start()
    b.start()
    kind, who, name, headers, address = recv(b)
    assert (kind, who, name) == (b"ENTER", a.uuid().bytes, b"a")
    assert json.loads(headers)["X-TEST"] == "1"
    assert address.decode() == a.endpoint() == b.peer_address(a.uuid())
    assert recv(b) == [b"JOIN", a.uuid().bytes, b"a", b"G"]
    until(lambda: b.uuid() in a.peers())
    a.whisper(b.uuid(), b"one")
    a.whisper(b.uuid(), [b"two", b"", b"frames"])
    a.whispers(b.uuid(), "text %d", 7)
    a.whispers(b.uuid(), b"\x80pickled")
    for frames in ([b"one"], [b"two", b"", b"frames"], [b"text 7"], [b"\x80pickled"]):
        assert recv(b) == [b"WHISPER", a.uuid().bytes, b"a", *frames]
    b.join("G")
    until(lambda: b.uuid() in a.peers_by_group("G"))
    a.shout("G", b"x")
    a.shouts("G", "y")
    for text in (b"x", b"y"):
        assert recv(b) == [b"SHOUT", a.uuid().bytes, b"a", b"G", text]
    a.leave("G")
    assert recv(b) == [b"LEAVE", a.uuid().bytes, b"a", b"G"]
    a.stop()
    assert recv(b) == [b"EXIT", a.uuid().bytes, b"a"]
    b.stop()
    assert recv(b) == [b"STOP", b.uuid().bytes, b"b"]


def test_a_node_answers_as_pyre_does(nodes):
    a = nodes()
    assert isinstance(a.uuid(), uuid.UUID)
    assert a.name() == a.uuid().hex[:6].upper()
    a.set_name("other")
    a.set_interval(100)
    a.set_verbose()
    assert (a.peers(), a.own_groups(), a.peer_groups(), a.endpoint()) == ([], [], [], "")
    a.join("G")
    a.start()
    b = nodes("b")
    b.set_header("X-TEST", "1")
    b.join("H")
    b.start()
    until(lambda: b.uuid() in a.peers())
    until(lambda: a.peer_groups() == ["H"])
    assert a.name() == "other"
    assert a.own_groups() == ["G"]
    assert a.peers_by_group("H") == [b.uuid()]
    assert a.peers_by_group("none") == []
    assert a.peer_header_value(b.uuid(), "X-TEST") == "1"
    assert a.peer_header_value(b.uuid(), "none") == ""
    assert a.peer_headers(b.uuid())["X-TEST"] == "1"
    assert a.get_peer_name(b.uuid()) == "b"
    stranger = uuid.uuid4()
    assert (a.peer_address(stranger), a.peer_headers(stranger)) == ("", {})
    a.whisper(stranger, b"nobody hears it")
    a.leave("G")
    assert a.own_groups() == []
    assert pyre.__version__ >= "0.3.4" and Pyre.version() == (0, 3, 4)


def test_events_are_taken_apart(nodes):
    a, b = started_pair(nodes, "G")
    a.shout("G", [b"one", b"two"])
    a.whisper(b.uuid(), b"three")
    a.leave("G")
    events = b.events()
    seen = [next(events) for _ in range(5)]
    assert [event.type for event in seen] == ["ENTER", "JOIN", "SHOUT", "WHISPER", "LEAVE"]
    enter, join, shout, whisper, _leave = seen
    assert all(event.peer_uuid == a.uuid() and event.peer_name == "a" for event in seen)
    assert enter.peer_uuid_bytes == a.uuid().bytes
    assert enter.peer_addr == a.endpoint() and enter.header("none") is None
    assert (join.group, shout.group, shout.msg) == ("G", "G", [b"one", b"two"])
    assert (whisper.msg, whisper.group, whisper.headers) == ([b"three"], None, None)
    assert a.uuid().hex in str(whisper)
    assert list(b.recent_events()) == []


def test_a_poller_wakes_for_the_socket(nodes):
    """As a program that serves several sockets."""
    a, b = started_pair(nodes)
    poller = zmq.Poller()
    poller.register(b.socket(), zmq.POLLIN)
    here, there = zhelper.zcreate_pipe(zmq.Context.instance())
    poller.register(here, zmq.POLLIN)
    heard = []
    for nth in range(100):
        a.whisper(b.uuid(), str(nth).encode())
    there.send(b"from the pipe")
    while len(heard) < 102:
        items = dict(poller.poll(PATIENCE * 1000))
        assert items
        if b.socket() in items and items[b.socket()] == zmq.POLLIN:
            heard.append(b.recv()[-1])
        if here in items:
            heard.append(here.recv())
    assert b"from the pipe" in heard
    assert [it for it in heard if it.isdigit()] == [str(nth).encode() for nth in range(100)]
    here.close()
    there.close()


def test_the_state_of_the_socket_can_be_asked(nodes):
    """As a program that looks at `zmq.EVENTS`, and goes on."""
    a, b = started_pair(nodes)
    assert isinstance(b.socket(), zmq.Socket) and b.socket() is b.inbox
    until(lambda: b.socket().get(zmq.EVENTS) & zmq.POLLIN)
    assert [event.type for event in b.recent_events()] == ["ENTER"]
    assert not b.socket().get(zmq.EVENTS) & zmq.POLLIN
    a.whisper(b.uuid(), b"x")
    until(lambda: b.socket().get(zmq.EVENTS) & zmq.POLLIN)
    assert b.recv()[0] == b"WHISPER"


def test_a_subclass_overrides_what_it_wants(nodes):
    """As a program whose class is a node."""

    class Robot(Pyre):
        def __init__(self, name, groups, ctx):
            super().__init__(name=name, ctx=ctx)
            self.heard = []
            for group in groups:
                self.join(group)

        def work(self):
            while True:
                event = PyreEvent(self)
                if event.type == "STOP":
                    return
                if event.type == "SHOUT":
                    self.heard.append(event.msg[0])

    context = zmq.Context()
    robot = Robot("robot", ["ROPOD"], context)
    robot.set_interface("lo")
    other = nodes("other")
    robot.set_port(other._settings["beacon_port"])
    robot.start()
    other.start()
    thread = threading.Thread(target=robot.work)
    thread.start()
    until(lambda: other.peers_by_group("ROPOD"))
    other.shout("ROPOD", b"drive")
    until(lambda: robot.heard == [b"drive"])
    robot.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_reader_that_does_not_read_holds_up_nothing(nodes):
    """The node goes on, the sender waits, and nothing is lost; and it can be stopped."""
    a, b = started_pair(nodes)
    count = 20_000
    sender = threading.Thread(target=lambda: [a.whisper(b.uuid(), str(nth).encode()) for nth in range(count)])
    sender.start()
    time.sleep(0.5)
    heard = []
    while len(heard) < count:
        frames = recv(b)
        if frames[0] == b"WHISPER":
            heard.append(int(frames[3]))
    assert heard == list(range(count))
    sender.join(PATIENCE)
    for nth in range(5000):
        a.whisper(b.uuid(), b"never read")
    before = time.monotonic()
    b.stop()
    assert time.monotonic() - before < 10


def test_a_node_that_is_dropped_stops(nodes):
    a = nodes("a")
    a.start()
    b = Pyre("b")
    b.set_interface("lo")
    b.set_port(a._settings["beacon_port"])
    b.start()
    assert recv(a)[0] == b"ENTER"
    del b
    assert recv(a)[0] == b"EXIT"


def test_loggers_are_called_as_those_of_pyre(nodes, caplog):
    with caplog.at_level(logging.DEBUG, "pyre"):
        nodes("a").start()
    names = {record.name for record in caplog.records}
    assert {"pyre", "pyre.zbeacon"} <= names


def test_the_addresses_of_the_host_are_told():
    loopback = [it["lo"] for it in zhelper.get_ifaddrs() if "lo" in it]
    assert {2: {"addr": "127.0.0.1", "netmask": "255.0.0.0"}}.items() <= loopback[0].items()
    assert zhelper.u("x") == "x" and zhelper.CDLL


def program(text, *arguments, command=(), status=0):
    text = textwrap.dedent(text)
    command = [sys.executable, "-X", "faulthandler", *(command or ["-c", text]), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


# A chat of the kind that descends from pyre's example: a thread with a node, and a pipe to it.
CHAT = """
import sys
import zmq
{imports}
def talk(ctx, pipe, port):
    node = Pyre("chat")
    node.set_interface("lo")
    node.set_port(port)
    node.join("CHAT")
    node.start()
    poller = zmq.Poller()
    poller.register(pipe, zmq.POLLIN)
    poller.register(node.socket(), zmq.POLLIN)
    while True:
        items = dict(poller.poll(20_000))
        if pipe in items:
            text = pipe.recv().decode()
            if text == "$$STOP":
                break
            node.shouts("CHAT", text)
        if node.socket() in items:
            event = node.recv()
            if event[0] == b"SHOUT":
                pipe.send(event[4])
            elif event[0] == b"JOIN":
                pipe.send(b"joined")
    node.stop()
    pipe.send(b"bye")
ctx = zmq.Context()
pipe = zhelper.zthread_fork(ctx, talk, sys.argv[1])
assert pipe.recv() == b"joined"
pipe.send(b"hello")
print(pipe.recv().decode())
pipe.send(b"$$STOP")
while pipe.recv() != b"bye":
    pass
"""


@pytest.mark.parametrize("how", ["zyre_pyzmq", "zyre.pyre", "pyre, replaced"])
def test_a_chat_runs_with_nothing_changed(bed, nodes, tmp_path, how):
    imports = {
        "zyre_pyzmq": "from zyre_pyzmq import Zyre as Pyre, zhelper",
        "zyre.pyre": "from zyre.pyre import Pyre, zhelper",
        "pyre, replaced": "from pyre import Pyre, zhelper\nimport pyre.zhelper",
    }[how]
    text = CHAT.format(imports=imports)
    node = nodes("partner")
    node.join("CHAT")
    node.start()

    def answer():
        for event in node.events():
            if event.type == "SHOUT":
                node.shout("CHAT", b"echo " + event.msg[0])
            elif event.type in ("EXIT", "STOP"):
                return

    thread = threading.Thread(target=answer)
    thread.start()
    if how == "pyre, replaced":
        (tmp_path / "chat.py").write_text(text)
        said = program("", bed.port, command=["-m", "zyre.pyre", tmp_path / "chat.py"])
    else:
        said = program(text, bed.port)
    assert said == "echo hello\n"
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_gevent_goes_on_while_a_node_waits(bed):
    pytest.importorskip("gevent")
    said = program(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent, sys, time
        import zmq.green as zmq
        from zyre.pyre import Pyre
        context = zmq.Context()
        nodes = [Pyre(name, ctx=context) for name in "ab"]
        for node in nodes:
            node.set_interface("lo")
            node.set_port(sys.argv[1])
            node.start()
        a, b = nodes
        turns, heard = 0, []
        def count():
            global turns
            while True:
                turns += 1
                gevent.sleep(0.001)
        def listen():
            while len(heard) < 100:
                frames = b.recv()
                if frames[0] == b"WHISPER":
                    heard.append(frames[3])
        counting, listening = gevent.spawn(count), gevent.spawn(listen)
        with gevent.Timeout(20):
            while b.uuid() not in a.peers():
                gevent.sleep(0.01)
            gevent.sleep(0.3)
            assert turns > 20, turns
            for nth in range(100):
                a.whisper(b.uuid(), str(nth).encode())
            listening.join()
        assert heard == [str(nth).encode() for nth in range(100)]
        counting.kill()
        for node in nodes:
            node.stop()
        print("done")
        """,
        bed.port,
    )
    assert said == "done\n"


def test_asyncio_sockets_work_as_well(bed):
    said = program(
        """
        import asyncio, sys
        import zmq.asyncio
        from zyre.pyre import Pyre
        async def main():
            nodes = [Pyre(name, ctx=zmq.asyncio.Context()) for name in "ab"]
            for node in nodes:
                node.set_interface("lo")
                node.set_port(sys.argv[1])
                node.start()
            print((await asyncio.wait_for(nodes[0].recv(), 20))[0].decode())
            for node in nodes:
                node.stop()
        asyncio.run(main())
        """,
        bed.port,
    )
    assert said == "ENTER\n"


@pytest.mark.parametrize("how", ["", "del a, b", "a.stop()", "ctx.destroy()", "raise SystemExit(0)"])
def test_the_interpreter_ends_with_messages_that_nobody_has_read(bed, how):
    before = time.monotonic()
    said = program(
        f"""
        import sys, time, zmq
        from zyre.pyre import Pyre
        ctx = zmq.Context()
        a, b = Pyre("a", ctx=ctx), Pyre("b")
        for node in (a, b):
            node.set_interface("lo")
            node.set_port(sys.argv[1])
            node.start()
        del node
        while not (a.peers() and b.peers()):
            time.sleep(0.01)
        for _ in range(5000):
            a.whisper(b.uuid(), b"x")
            b.whisper(a.uuid(), b"x")
        {how}
        """,
        bed.port,
    )
    assert said == ""
    assert time.monotonic() - before < 30
