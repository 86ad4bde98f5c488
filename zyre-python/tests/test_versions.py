"""One build runs on every CPython from 3.9 on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import zyre

PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import zyre, zyre._zyre
settings = dict(interfaces=["lo"], beacon_port=int(sys.argv[2]))

async def main():
    async with zyre.Node("a", **settings) as a:
        with zyre.Node("b", **settings) as b:
            for event in b:
                if isinstance(event, zyre.Enter):
                    b.whisper(event.peer, ["hello", sys.version.split()[0]])
                    break
            async for event in a:
                if isinstance(event, zyre.Whisper):
                    print(event.text)
                    return

asyncio.run(asyncio.wait_for(main(), 20))
"""


def interpreters():
    """Those in the path, and those of pyenv."""
    found = {}
    for minor in range(9, 16):
        name = f"python3.{minor}"
        places = [shutil.which(name), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}")]
        for place in filter(None, places):
            done = subprocess.run([place, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True)
            if done.stdout.strip() == str(minor):
                found[minor] = str(place)
    return found


FOUND = interpreters()


@pytest.mark.parametrize("minor", range(9, 16))
def test_it_runs_on(bed, minor):
    if minor not in FOUND:
        pytest.skip(f"there is no CPython 3.{minor} here")
    place = Path(zyre.__file__).parent.parent
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [FOUND[minor], "-X", "faulthandler", "-c", PROGRAM, str(place), str(bed.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"hello 3.{minor}.")
