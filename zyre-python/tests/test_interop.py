"""Both faces with other implementations, as real processes behind the line protocol of `zyre peer`.

`ZYRE_INTEROP_DIR` is where `cargo xtask peers` has installed them, `ZYRE_BIN` the command `zyre`.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from conftest import PATIENCE

import zyre

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "zyre/tests/peers"


def command(kind):
    """The command that runs a peer of this kind; skips if there is none."""
    installed = Path(os.environ.get("ZYRE_INTEROP_DIR", ROOT / "target/interop"))
    if kind == "zyre":
        program = Path(os.environ.get("ZYRE_BIN", ROOT / "target/debug/zyre"))
        needed, words = program, [program, "peer"]
    elif kind == "pyre":
        needed, words = installed / "venv.stamp", [installed / "venv/bin/python", SCRIPTS / "pyre_peer.py"]
    elif kind == "zyre.js":
        needed, words = installed / "node.stamp", ["node", SCRIPTS / "zyrejs_peer.js"]
    else:
        pytest.importorskip("zre")
        needed, words = SCRIPTS, [sys.executable, Path(__file__).with_name("zre_peer.py")]
    if not needed.exists():
        pytest.skip(f"{needed} does not exist: `cargo xtask peers` makes it, or `cargo build`")
    return [*map(str, words), "--interface", "lo"], {"ZYREJS_MODULES": str(installed / "node/node_modules")}


class Stream:
    """What has happened, as dictionaries, and waiting for something."""

    def __init__(self):
        self.lines = queue.Queue()
        self.passed = []

    def expect(self, event, **fields):
        """The next of this kind. Some implementations tell of a JOIN before the ENTER."""

        def is_it(line):
            return line["event"] == event and all(line.get(key) == value for key, value in fields.items())

        for line in filter(is_it, self.passed):
            self.passed.remove(line)
            return line
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {event} {fields}, only {self.passed[-20:]}") from None
            if is_it(line):
                return line
            self.passed.append(line)


class Other(Stream):
    """A node of another implementation."""

    def __init__(self, kind, port, *arguments):
        super().__init__()
        words, environment = command(kind)
        self.process = subprocess.Popen(
            [*words, "--port", str(port), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        threading.Thread(target=self.read, daemon=True).start()
        self.id = uuid.UUID(self.expect("STARTED")["peer"])

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()


class Modern(Stream):
    """The modern face."""

    def __init__(self, port):
        super().__init__()
        settings = {"interfaces": ["lo"], "beacon_port": port}
        self.node = zyre.Node("ours", headers={"X-OURS": "ä"}, groups=["G"], **settings)
        self.id = self.node.id
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for event in self.node:
            kind = type(event)
            line = {"event": kind.__name__.upper(), "peer": event.peer}
            for field in kind.__match_args__:
                line[field] = getattr(event, field)
            if isinstance(event, (zyre.Whisper, zyre.Shout)):
                line["content"] = event.frames
            self.lines.put(line)

    def close(self):
        self.node.stop()


class Compatible(Stream):
    """The compatible face."""

    def __init__(self, port):
        super().__init__()
        pytest.importorskip("zmq")
        from zyre.pyre import Pyre

        self.node = Pyre("ours")
        self.node.set_interface("lo")
        self.node.set_port(port)
        self.node.set_header("X-OURS", "ä")
        self.node.join("G")
        self.id = self.node.uuid()
        self.node.start()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for event in self.node.events():
            line = {"event": event.type, "peer": event.peer_uuid, "name": event.peer_name}
            line.update(group=event.group, content=event.msg, headers=event.headers)
            self.lines.put(line)
            if event.type == "STOP":
                return

    def close(self):
        self.node.stop()


KINDS = ["zyre", "pyre", "zyre.js", "zre"]
FACES = [Modern, Compatible]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=FACES, ids=["modern", "compatible"])
def face(request):
    return request.param


@pytest.fixture
def both(kind, face, bed):
    """One of theirs and one of ours, in no order."""
    arguments = ["--name", "theirs", "--header", "X-THEIRS=1", "--join", "G"]
    other = Other(kind, bed.port, *arguments)
    ours = face(bed.port)
    yield other, ours
    ours.close()
    other.close()


def test_they_meet_and_talk(both, kind):
    other, ours = both
    enter = ours.expect("ENTER", peer=other.id, name="theirs")
    assert enter["headers"]["X-THEIRS"] == "1"
    ours.expect("JOIN", peer=other.id, group="G")
    enter = other.expect("ENTER", peer=ours.id.hex, name="ours")
    assert enter["headers"]["X-OURS"] == "ä"
    other.expect("JOIN", peer=ours.id.hex, group="G")

    ours.node.whisper(other.id, "to you ä")
    assert other.expect("WHISPER")["content"] == ["to you ä"]
    ours.node.whisper(other.id, [b"one", b"two"])
    assert other.expect("WHISPER")["content"][0] == "one"
    ours.node.shout("G", "to all")
    assert other.expect("SHOUT", group="G")["content"] == ["to all"]

    other.say(f"whisper {ours.id.hex} to you ä")
    assert ours.expect("WHISPER", peer=other.id)["content"] == ["to you ä".encode()]
    other.say("shout G to all")
    assert ours.expect("SHOUT", group="G")["content"] == [b"to all"]
    if kind not in ("zyre.js", "zre"):
        other.say(f"whisperm {ours.id.hex} one||three")
        assert ours.expect("WHISPER")["content"] == [b"one", b"", b"three"]

    other.say("join H")
    ours.expect("JOIN", peer=other.id, group="H")
    assert "H" in ours.node.peer_groups()
    other.say("leave H")
    ours.expect("LEAVE", peer=other.id, group="H")
    ours.node.join("H")
    other.expect("JOIN", group="H")
    ours.node.leave("H")
    other.expect("LEAVE", group="H")

    other.say(f"burst {ours.id.hex} 500")
    for nth in range(500):
        assert ours.expect("WHISPER")["content"] == [str(nth).encode()]
    for nth in range(500):
        ours.node.whisper(other.id, str(nth))
    for nth in range(500):
        assert other.expect("WHISPER")["content"] == [str(nth)]


@pytest.mark.parametrize("end", ["ours stops", "theirs stops", "theirs dies"])
def test_an_end_is_noticed(both, end):
    other, ours = both
    ours.expect("ENTER", peer=other.id)
    other.expect("ENTER", peer=ours.id.hex)
    if end == "ours stops":
        ours.node.stop()
        other.expect("EXIT", peer=ours.id.hex)
        ours.expect("STOP")
        return
    if end == "theirs stops":
        other.say("quit")
    else:
        other.close()
    assert ours.expect("EXIT", peer=other.id)["name"] == "theirs"
    assert ours.node.peers() == []
