"""Runs a program of pyre with this library in its place: `python -m zyre.pyre program.py arguments`, or
`python -m zyre.pyre -m module arguments`."""

from __future__ import annotations

import os
import runpy
import sys

from . import install


def main() -> None:
    words = sys.argv[1:]
    is_module = words[:1] == ["-m"]
    if is_module:
        words = words[1:]
    if not words:
        sys.exit("usage: python -m zyre.pyre [-m module | program.py] arguments")
    install()
    sys.argv[:] = words
    if is_module:
        sys.path.insert(0, os.getcwd())
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
