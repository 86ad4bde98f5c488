"""The modern face: nodes, peers, messages, and what is refused."""

import array
import collections
import time
import uuid

import pytest
from conftest import until, wait_for

import zyre


def test_two_nodes_meet_and_talk(bed):
    alice = bed.node("alice", groups=["chat"], headers={"X-ROLE": "host"})
    bob = bed.node("bob", groups=["chat"])
    enter = wait_for(bob, zyre.Enter)
    assert (enter.peer, enter.name) == (alice.id, "alice")
    assert enter.headers["X-ROLE"] == "host"
    assert enter.endpoint == alice.endpoint
    assert isinstance(enter.peer, uuid.UUID)
    assert wait_for(bob, zyre.Join).group == "chat"
    wait_for(alice, zyre.Join, name="bob", group="chat")
    bob.whisper(alice.id, "to you: ä")
    whisper = wait_for(alice, zyre.Whisper)
    assert (whisper.peer, whisper.text) == (bob.id, "to you: ä")
    assert whisper.content == "to you: ä".encode()
    bob.shout("chat", b"\x00\xff")
    shout = wait_for(alice, zyre.Shout)
    assert (shout.group, shout.content, shout.frames) == ("chat", b"\x00\xff", [b"\x00\xff"])
    bob.stop()
    exit = wait_for(alice, zyre.Exit)
    assert (exit.name, exit.reason) == ("bob", zyre.ExitReason.GOODBYE)
    assert str(exit.reason) == "goodbye"


@pytest.mark.parametrize(
    ("sent", "frames"),
    [
        ("text", [b"text"]),
        (b"", [b""]),
        (bytearray(b"ab"), [b"ab"]),
        (memoryview(b"cd"), [b"cd"]),
        (["a", b"b", bytearray(b"c"), ""], [b"a", b"b", b"c", b""]),
        (("one", "two"), [b"one", b"two"]),
        (collections.deque(["one", b"two"]), [b"one", b"two"]),
        (array.array("B", [1, 2]), [b"\x01\x02"]),
    ],
)
def test_all_kinds_of_content_arrive_frame_by_frame(bed, sent, frames):
    alice, bob = bed.pair()
    alice.whisper(bob.id, sent)
    whisper = wait_for(bob, zyre.Whisper)
    assert whisper.frames == frames
    assert whisper.content == b"".join(frames)


def test_what_is_no_content_is_refused(bed):
    alice, bob = bed.pair()
    for wrong in (3, None, 1.5, [1], {"a": 1}, {"a"}, range(2), object()):
        with pytest.raises(TypeError, match="a message is str, bytes"):
            alice.whisper(bob.id, wrong)
    with pytest.raises(zyre.RefusedError, match="without a frame"):
        alice.whisper(bob.id, [])
    with pytest.raises(zyre.RefusedError, match="too large"):
        alice.whisper(bob.id, bytes(70 << 20))


def test_ids_are_taken_in_all_forms(bed):
    alice, bob = bed.pair()
    for form in (bob.id, bob.id.hex, str(bob.id), bob.id.bytes):
        alice.whisper(form, "x")
        assert wait_for(bob, zyre.Whisper).text == "x"
        assert alice.peer(form).name == "bob"
    for wrong in ("no id", b"short"):
        with pytest.raises(ValueError):
            alice.whisper(wrong, "x")
    with pytest.raises(TypeError, match=r"uuid\.UUID"):
        alice.whisper(1.5, "x")
    stranger = uuid.uuid4()
    with pytest.raises(zyre.UnknownPeer, match=stranger.hex):
        alice.whisper(stranger, "x")
    assert alice.peer(stranger) is None
    assert alice.room(stranger) is None


def test_a_node_knows_its_peers_and_groups(bed):
    alice, bob = bed.pair()
    bob.join("g")
    bob.join("h")
    wait_for(alice, zyre.Join, group="h")
    info = alice.peer(bob.id)
    assert (info.id, info.name, info.groups) == (bob.id, "bob", ["g", "h"])
    assert info.liveness is zyre.Liveness.PRESENT
    assert info.link in (zyre.LinkKind.DIALLED, zyre.LinkKind.ACCEPTED)
    assert alice.peers_info() == [info]
    assert alice.peers() == [bob.id] == alice.peers_in("g")
    assert (alice.own_groups(), alice.peer_groups(), bob.own_groups()) == ([], ["g", "h"], ["g", "h"])
    bob.leave("g")
    wait_for(alice, zyre.Leave, group="g")
    assert alice.peers_in("g") == []
    (connection,) = alice.connections()
    assert connection.peer == bob.id
    with pytest.raises(zyre.RefusedError, match="cannot be empty"):
        alice.join("")
    with pytest.raises(zyre.RefusedError, match="at most 255"):
        alice.join("x" * 256)


def test_events_match_patterns(bed):
    alice, bob = bed.pair()
    alice.whisper(bob.id, "hi")
    event = wait_for(bob, zyre.Whisper)
    assert type(event).__match_args__ == ("peer", "name", "content")
    assert repr(event) == f"Whisper(peer={alice.id!r}, name='alice', content=b'hi')"
    alice.whisper(bob.id, "hi")
    assert wait_for(bob, zyre.Whisper) == event
    alice.whisper(bob.id, "ho")
    assert wait_for(bob, zyre.Whisper) != event
    assert event != "hi"


def test_a_timeout_is_no_event_and_the_end_is_an_error(bed):
    alice = bed.node()
    before = time.monotonic()
    assert alice.recv(0.2) is None
    assert 0.2 <= time.monotonic() - before < 2
    assert alice.try_recv() is None
    assert alice.recv_batch(timeout=0) == []
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            alice.recv(wrong)
    alice.stop()
    assert isinstance(alice.recv(), zyre.Stop)
    for receive in (alice.recv, alice.try_recv, alice.recv_batch):
        with pytest.raises(zyre.Stopped, match="the node has stopped"):
            receive()
    assert list(alice) == []
    with pytest.raises(zyre.Stopped):
        alice.join("g")
    alice.stop()


def test_batches_have_everything_in_order(bed):
    alice, bob = bed.pair()
    for nth in range(900):
        alice.whisper(bob.id, str(nth))
    heard = []
    while len(heard) < 900:
        batch = bob.recv_batch(100, 10)
        assert 1 <= len(batch) <= 100
        heard += [event.text for event in batch if isinstance(event, zyre.Whisper)]
    assert heard == [str(nth) for nth in range(900)]


def test_iteration_ends_when_the_node_is_stopped_inside_of_it(bed):
    alice, bob = bed.pair()
    with bob:
        for nth in range(5):
            alice.whisper(bob.id, str(nth))
        heard = []
        for event in bob:
            heard.append(event)
            if isinstance(event, zyre.Whisper) and event.text == "4":
                bob.stop()
    assert isinstance(heard[-1], zyre.Stop)
    wait_for(alice, zyre.Exit, peer=bob.id)


def test_a_peer_that_does_not_read_is_full_and_then_ready(bed):
    limits = zyre.Limits(events=100, link_messages=100)
    alice, bob = bed.pair(limits=limits)
    sent = 0
    with pytest.raises(zyre.Full, match="wait until the peer is ready"):
        for _ in range(100_000):
            alice.whisper(bob.id, bytes(1000))
            sent += 1
    assert alice.ready(bob.id, 1000, timeout=0.1) is False
    heard = 0
    while not alice.ready(bob.id, 1000, timeout=0):
        heard += sum(isinstance(it, zyre.Whisper) for it in bob.recv_batch(timeout=1))
    alice.whisper(bob.id, b"last")
    room = alice.room(bob.id)
    assert 0 <= room.messages <= 100
    while heard < sent + 1:
        heard += sum(isinstance(it, zyre.Whisper) for it in bob.recv_batch(timeout=10))
    alice.ready_in("nobody is in it", 5)
    bob.stop()
    wait_for(alice, zyre.Exit)
    with pytest.raises(zyre.UnknownPeer):
        alice.ready(bob.id)


def test_a_shout_ends_a_member_that_does_not_read(bed):
    limits = zyre.Limits(events=50, link_messages=50, stall_timeout=0.2)
    alice, bob = bed.pair(limits=limits, groups=["g"])
    wait_for(alice, zyre.Join)
    reason = None
    end = time.monotonic() + 20
    while reason is None and time.monotonic() < end:
        alice.shout("g", bytes(10_000))
        event = alice.try_recv()
        reason = event.reason if isinstance(event, zyre.Exit) else None
    assert reason is zyre.ExitReason.OVERFLOW
    # It lives, and comes back when it reads.
    while not isinstance(alice.try_recv(), zyre.Enter):
        bob.recv_batch(timeout=0.01)
        assert time.monotonic() < end


def test_the_contester_with_the_lowest_id_leads(bed):
    low, high = uuid.UUID(int=1), uuid.UUID(int=2)
    alice = bed.node("alice", id=high, contest=["work"])
    bob = bed.node("bob", id=low)
    assert (alice.id, bob.id) == (high, low)
    wait_for(alice, zyre.Leader, group="work", leader=high, mine=True)
    bob.contest("work")
    wait_for(alice, zyre.Leader, leader=low, mine=False)
    wait_for(bob, zyre.Leader, leader=low, mine=True)
    assert alice.leader("work") == bob.leader("work") == low
    bob.abort()
    exit = wait_for(alice, zyre.Exit)
    assert exit.reason is zyre.ExitReason.LINK_LOST
    wait_for(alice, zyre.Leader, leader=high)


def test_nodes_without_beacons_meet_by_endpoints(bed):
    alice = bed.node("alice", beacon=False)
    bob = bed.node("bob", beacon=False, require=[alice.endpoint])
    wait_for(alice, zyre.Enter, name="bob")
    wait_for(bob, zyre.Enter, name="alice")
    (required,) = bob.required()
    assert (required.endpoint, required.peer) == (alice.endpoint, alice.id)
    assert required.is_present
    carol = bed.node("carol", beacon=False, require=[(alice.id, alice.endpoint)])
    wait_for(alice, zyre.Enter, name="carol")
    carol.forget(peer=alice.id)
    assert carol.required() == []
    bob.require("127.0.0.1:9")
    event = wait_for(bob, zyre.EndpointUnreachable)
    assert (event.endpoint, event.why) == ("tcp://127.0.0.1:9", zyre.UnreachableReason.REFUSED)
    bob.forget(endpoint="127.0.0.1:9")
    with pytest.raises(ValueError):
        bob.require("nowhere")
    with pytest.raises(TypeError, match="an endpoint or a peer"):
        bob.forget()


def test_nodes_without_beacons_meet_by_gossip(bed):
    hub = bed.node("hub", beacon=False)
    address = hub.gossip_listen("127.0.0.1:0")
    alice = bed.node("alice", beacon=False, gossip_connect=[address])
    bob = bed.node("bob", beacon=False)
    bob.gossip_connect(f"tcp://{address}")
    wait_for(alice, zyre.Enter, name="bob")
    status = until(lambda: (it := bob.gossip()).hubs[0].address and it)
    assert status.hubs[0].address == address
    assert status.stats.received > 0
    assert (hub.gossip().listening, hub.gossip().clients) == ([address], 2)
    lost = bed.node("lost", beacon=False, gossip_connect=["127.0.0.1:9"])
    assert wait_for(lost, zyre.HubUnreachable).hub == "tcp://127.0.0.1:9"
    assert lost.gossip().hubs[0].problem
    with pytest.raises(zyre.GossipError, match="cannot listen"):
        alice.gossip_listen(address)


def test_a_node_that_cannot_start_says_why(bed):
    taken = bed.node(mailbox_port=0)
    port = int(taken.endpoint.rpartition(":")[2])
    for settings, words in [
        ({"interfaces": ["nosuch0"]}, "no usable interface nosuch0; there are: "),
        ({"mailbox_port": port}, f"mailbox port {port} is in use"),
        ({"beacon_port": 0}, "cannot be 0"),
        ({"groups": ["x" * 256]}, "at most 255 bytes"),
        ({"beacon_interval": 0}, "cannot be zero"),
    ]:
        with pytest.raises(zyre.StartError, match=words):
            bed.node(**settings)
    for settings, error in [
        ({"groups": "chat"}, TypeError),
        ({"nosuch": 1}, TypeError),
        ({"beacon_port": 70_000}, OverflowError),
        ({"id": "x"}, ValueError),
        ({"share": "/tmp"}, ValueError),
        ({"identity": zyre.Identity.create()}, ValueError),
        ({"logging": "loud"}, ValueError),
    ]:
        with pytest.raises(error):
            bed.node(**settings)


def test_what_a_node_tells_of_itself(bed):
    alice, bob = bed.pair()
    assert repr(alice) == f"<Node \"alice\" {alice.id.hex}>"
    loopback = next(it for it in alice.interfaces() if it.unused is None)
    assert (loopback.name, loopback.used) == ("lo", ["127.0.0.1"])
    assert alice.endpoints[0] == alice.endpoint
    stats = alice.stats()
    assert stats.protocol.hellos_received == 1
    assert stats.network.beacons > 0
    assert stats.log == zyre.LogStats(0, 0, 0)
    alice.set_logging("info")
    alice.log("warning", "the disk is nearly full")
    assert alice.stats().log.recorded == 1
    for name in ("evasive", "silent", "expired"):
        getattr(alice, f"set_{name}_timeout")(12.5)
    alice.set_beacon_interval(0.1)
    with pytest.raises(zyre.RefusedError, match="cannot be zero"):
        alice.set_beacon_interval(0)
    alice.set_header("X-NEW", "later")
    alice.set_service("X-WEB", 8080)
    carol = bed.node("carol")
    headers = wait_for(carol, zyre.Enter, name="alice").headers
    assert (headers["X-NEW"], headers["X-WEB"]) == ("later", "tcp://127.0.0.1:8080")


def test_a_state_keeps_who_a_node_is(bed, tmp_path):
    state = zyre.State(tmp_path / "state")
    state.set_name("kept")
    with pytest.raises(zyre.StateError, match="in use"):
        zyre.State(tmp_path / "state")
    node = bed.node(state=state)
    assert (node.id, node.name) == (state.id, "kept")
    assert state.directory == tmp_path / "state"
    first = zyre.State.open_instance(tmp_path, "program")
    assert first.directory.name == "program-1"
    assert zyre.State.directory_of("x").name == "x"


def test_a_subclass_is_a_node(bed):
    class Robot(zyre.Node):
        def __init__(self, wheels):
            super().__init__(f"robot{wheels}", interfaces=["lo"], beacon_port=bed.port)
            self.wheels = wheels

    with Robot(4) as robot:
        assert (robot.name, robot.wheels) == ("robot4", 4)
        assert repr(robot).startswith('<Robot "robot4"')

    class Forgetful(zyre.Node):
        def __init__(self):
            pass

    with pytest.raises(zyre.StartError, match="call __init__"):
        Forgetful().recv()
