"""The events of a node as messages from a ZeroMQ socket."""

from __future__ import annotations

import _thread
import json
import logging
import sys
import weakref
from typing import Any, Optional
from uuid import uuid4

import zmq

from .. import _zyre
from .._errors import Stopped
from .._node import Node

logger = logging.getLogger("pyre")

# What `zmq.Socket.send` comes to in the end: for each frame half of the way.
_send = zmq.backend.Socket.send

# Events that are taken at once.
_BATCH = 256
# Messages that wait in each of the two sockets.
_MARK = 1000
# Milliseconds after which it is looked whether the node has stopped, while nobody reads.
_PATIENCE = 100
# Seconds that a reader has for what is left when the node stops.
_TIME_TO_READ = 1.0


class Feeder:
    """A pair of sockets, and a thread that puts the events of a node into one of them."""

    def __init__(self, ctx: Any) -> None:
        address = f"inproc://zyre-{uuid4().hex}"
        self.verbose = False
        self.inbox = ctx.socket(zmq.PAIR)
        self.inbox.rcvhwm = _MARK
        self.inbox.bind(address)
        # A plain one, also if the other is one of gevent or of asyncio.
        self._plain: Any = zmq.Context.shadow(ctx.underlying)
        self._outbox: Any = self._plain.socket(zmq.PAIR)
        self._outbox.sndhwm = _MARK
        self._outbox.sndtimeo = _PATIENCE
        self._outbox.connect(address)
        self._ends = False
        self._running: Optional[Any] = None

    def start(self, node: Node) -> None:
        """Starts the thread."""
        start, lock = _native("start_new_thread"), _native("allocate_lock")
        self._running = lock()
        self._running.acquire()
        # The thread does not hold this object, so that it ends with it.
        start(_feed, (node, self._outbox, weakref.ref(self), self._running))

    def finish(self) -> None:
        """Waits until the thread has put the last message, which the node has sent by now, or until nobody
        reads it."""
        if self._running is not None and self._running.acquire(True, _TIME_TO_READ):
            self._running.release()
        self._ends = True

    def close(self) -> None:
        """Closes what is open, without waiting."""
        self._ends = True
        self.inbox.close(linger=0)
        if self._running is None:
            self._outbox.close(linger=0)


def _native(name: str) -> Any:
    """Returns a function of the module `_thread`, the original if gevent has replaced it: a thread that waits
    for a node is not one of gevent's."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name)


def _feed(node: Node, outbox: Any, feeder: weakref.ref[Feeder], running: Any) -> None:
    def ends() -> bool:
        this = feeder()
        return this is None or this._ends

    def is_verbose() -> bool:
        this = feeder()
        return this is not None and this.verbose

    try:
        while not ends():
            batch = node.recv_batch(_BATCH)
            verbose = is_verbose()
            for event in batch:
                frames = _frames(node, event)
                if frames is None:
                    continue
                if verbose:
                    logger.info("%r", event)
                while True:
                    try:
                        # Only the first frame of a message waits.
                        for frame in frames[:-1]:
                            _send(outbox, frame, zmq.SNDMORE)
                        _send(outbox, frames[-1])
                        break
                    except zmq.Again:
                        # Nobody reads.
                        if ends():
                            return
    except (Stopped, zmq.ZMQError):
        # The node has told all, or the context was closed.
        pass
    finally:
        outbox.close()
        running.release()


def _frames(node: Node, event: _zyre.Event) -> Optional[list[bytes]]:
    """Returns the message of an event; `None` for events that pyre does not know."""
    if isinstance(event, _zyre.Stop):
        return [b"STOP", node.id.bytes, node.name.encode()]
    frames = event._pyre_frames()
    if isinstance(event, _zyre.Enter) and frames is not None:
        frames += [json.dumps(event.headers).encode(), event.endpoint.encode()]
    return frames
