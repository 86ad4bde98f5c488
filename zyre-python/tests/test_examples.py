"""The examples, as they are run."""

import importlib.util
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import PATIENCE, until, wait_for

import zyre

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module




def test_chat(bed, monkeypatch):
    start = [
        sys.executable,
        "-c",
        f"import functools, sys, zyre; zyre.Node = functools.partial(zyre.Node, beacon_port={bed.port}); "
        f"sys.path.insert(0, {str(EXAMPLES)!r}); import chat; chat.main()",
    ]
    node = bed.node("bob", groups=["chat"])
    child = subprocess.Popen([*start, "alice", "lo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in child.stdout], daemon=True).start()
    assert lines.get(timeout=PATIENCE) == "* you are alice; Ctrl-D ends\n"
    assert lines.get(timeout=PATIENCE) == "* bob is here\n"
    node.shout("chat", "hi \x1b[2J")
    assert lines.get(timeout=PATIENCE) == "bob: hi ?[2J\n"
    child.stdin.write("hello\n")
    child.stdin.flush()
    assert wait_for(node, zyre.Shout).text == "hello"
    child.stdin.close()
    assert child.wait(PATIENCE) == 0
    assert wait_for(node, zyre.Exit).name == "alice"


def test_files(bed, tmp_path, capsys, monkeypatch):
    files = load("files")
    (tmp_path / "big.bin").write_bytes(bytes(5_000_000))
    settings = {"interfaces": ["lo"], "beacon_port": bed.port}
    receiver = bed.node("r", receive=tmp_path / "received")
    files.send([tmp_path / "big.bin"], **settings)
    said = capsys.readouterr().out
    assert "1 files wait" in said and "/big.bin: 5000000 bytes have arrived" in said
    event = wait_for(receiver, zyre.Deliver)
    assert event.path.stat().st_size == 5_000_000

    sender = bed.node("s", publishing=True)
    sender.publish(tmp_path / "big.bin")

    def stop():
        wait_for(sender, zyre.Confirmed)
        time.sleep(0.3)
        nodes.pop().stop()

    nodes = []
    real = zyre.Node

    def noted(**arguments):
        nodes.append(real(**arguments))
        return nodes[-1]

    monkeypatch.setattr(zyre, "Node", noted)
    receiver.stop()
    thread = threading.Thread(target=stop)
    thread.start()
    files.receive(tmp_path / "other", **settings)
    thread.join(PATIENCE)
    assert "big.bin: 5000000 bytes" in capsys.readouterr().out


def test_clipboard(bed):
    clipboard = load("clipboard")

    class Fake:
        text = None

        def get(self):
            return self.text

        def set(self, text):
            self.text = text

    alice, bob = bed.pair(groups=["clipboard"])
    ours, theirs = Fake(), Fake()
    first, second = clipboard.Sharing(alice, ours), clipboard.Sharing(bob, theirs)
    wait = {"ours": lambda: (first.look(), second.look(), theirs.text == ours.text)[-1]}
    wait_for(alice, zyre.Join)
    wait_for(bob, zyre.Join)
    ours.text = "copied"
    until(wait["ours"])
    theirs.text = "and back ä"
    until(wait["ours"])
    assert ours.text == "and back ä"


def test_web(bed):
    node = bed.node("bob", groups=["web"])
    start = (
        f"import asyncio, sys; sys.path.insert(0, {str(EXAMPLES)!r}); import web; "
        f"asyncio.run(web.main(0, name='alice <b>', interfaces=['lo'], beacon_port={bed.port}))"
    )
    child = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True)
    try:
        address = re.match(r"http://\S+", child.stdout.readline())[0]
        page = urllib.request.urlopen(address, timeout=PATIENCE).read().decode()
        assert "alice &lt;b&gt;" in page
        wait_for(node, zyre.Join)
        events = urllib.request.urlopen(f"{address}/events", timeout=PATIENCE)
        assert b'"peers": ["bob"]' in events.readline()
        node.shout("web", "to the page")
        assert any(b"bob: to the page" in events.readline() for _ in range(6))
        urllib.request.urlopen(f"{address}/shout", data="from the page ä".encode(), timeout=PATIENCE)
        assert wait_for(node, zyre.Shout).text == "from the page ä"
        events.close()
    finally:
        child.kill()
        child.wait()
