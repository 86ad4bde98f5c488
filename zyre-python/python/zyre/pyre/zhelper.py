"""What programs of pyre use besides nodes: threads with a pipe, and the addresses of this host."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from ctypes import CDLL
from typing import Any
from uuid import uuid4

import zmq

from .. import _zyre

__all__ = ["CDLL", "get_ifaddrs", "u", "zcreate_pipe", "zthread_fork"]

u = str
"""Text, as it was called when there were two kinds of it."""


def zcreate_pipe(ctx: Any, hwm: int = 1000) -> tuple[Any, Any]:
    """Returns two sockets that are connected to each other, with at most `hwm` messages on the way."""
    address = f"inproc://pipe-{uuid4().hex}"
    near, far = ctx.socket(zmq.PAIR), ctx.socket(zmq.PAIR)
    for end in (near, far):
        end.linger = 0
        end.sndhwm = end.rcvhwm = hwm
    near.bind(address)
    far.connect(address)
    return near, far


def zthread_fork(ctx: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Runs `func(ctx, pipe, ...)` on a thread, and returns the other end of the pipe."""
    near, far = zcreate_pipe(ctx)
    run = threading.Thread(target=func, args=(ctx, far, *args), kwargs=kwargs, daemon=True)
    run.start()
    return near


def get_ifaddrs() -> list[dict[str, dict[int, dict[str, str]]]]:
    """Returns the interfaces of this host: a list of `{name: {family: {"addr": ..., "netmask": ...,
    "broadcast": ...}}}`."""
    found: list[dict[str, dict[int, dict[str, str]]]] = []
    for name, address, mask, broadcast in _zyre._host_addresses():
        family = int(socket.AF_INET6 if ":" in address else socket.AF_INET)
        values = {"addr": address, "netmask": mask}
        if broadcast is not None:
            values["broadcast"] = broadcast
        same = [it[name] for it in found if name in it and family not in it[name]]
        if same:
            same[0][family] = values
        else:
            found.append({name: {family: values}})
    return found
