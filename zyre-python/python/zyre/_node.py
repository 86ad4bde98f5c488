"""A node on the network."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Callable, Literal, Optional, TypeVar, Union
from uuid import UUID

from . import _zyre
from ._errors import Stopped
from ._records import Limits, ReceivedLimits

T = TypeVar("T")
PeerId = Union[UUID, str, bytes]
"""The id of a node: a `UUID`, its 32 digits, or its 16 bytes."""
Frame = Union[str, bytes, bytearray, memoryview]
Content = Union[Frame, Sequence[Frame]]
"""What is sent: text or bytes, or a list of frames."""
_Path = Union[str, "os.PathLike[str]"]

# Events that a task may take until others have a turn.
_TURN = 256
# The longest time that a thread waits for a task which may have been cancelled.
_SLICE = 1.0
# How often is looked for events in an event loop that watches no descriptors.
_LOOK = 0.01


class Node(_zyre.Node):
    """A node on the network. It lives from here on, on a thread of its own, until `stop`.

    Receive its events with `for event in node`, `async for event in node`, `recv`, or `recv_batch`, and
    act with the rest at any time, from any thread. The names of coroutines begin with an `a`.

        with zyre.Node("alice", groups=["chat"]) as node:
            for event in node:
                match event:
                    case zyre.Shout(name=name, text=text):
                        print(f"{name}: {text}")

    Arguments, of which none is needed:

    * `name`: for people. Default: the first six digits of the id.
    * `groups`: joined from the start; `headers`: what the node says about itself.
    * `id`: the id, to be the same node after a restart; `state`: a directory that keeps it.
    * `identity`, `trust`: make it a secure node, which has to do with nobody but those that it trusts.
    * `contest`: groups in which the node is willing to lead; `elect_with_everyone`: see the library.
    * `interfaces`, `except_interfaces`: names or addresses of interfaces to use, or not to. Default: all
      that can be used.
    * `beacon`: whether it is found by broadcast; `beacon_port`: nodes with the same port find each other.
    * `require`: endpoints `host:port` to connect to, or pairs of an id and an endpoint.
    * `gossip_listen`: addresses `ip:port` where it is a gossip hub; `gossip_connect`: hubs, `host:port`.
    * `mailbox_port`: the TCP port of its mailbox; `advertise`, `advertise_everywhere`: another endpoint
      that peers are told, behind a port forwarding; `two_way`: one connection for both directions.
    * `beacon_interval`, `evasive_timeout`, `silent_timeout`, `expired_timeout`: seconds.
    * `share`, `receive`: folders, to share files and to receive them; `publishing`: only `publish`;
      `ask`: take only files that are accepted; `received_limits`, `file_port`, `advertise_file_port`.
    * `limits`: how much the node takes.
    * `logging`: record what happens, for collectors on the network; `log_messages`: messages as well.

    Raises `StartError`.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        *,
        groups: Iterable[str] = (),
        headers: Optional[Mapping[str, str]] = None,
        id: Optional[PeerId] = None,
        state: Optional[_zyre.State] = None,
        identity: Optional[_zyre.Identity] = None,
        trust: Optional[_zyre.Trust] = None,
        contest: Iterable[str] = (),
        elect_with_everyone: bool = False,
        interfaces: Iterable[str] = (),
        except_interfaces: Iterable[str] = (),
        beacon: bool = True,
        beacon_port: Optional[int] = None,
        require: Iterable[Union[str, tuple[PeerId, str]]] = (),
        gossip_listen: Iterable[str] = (),
        gossip_connect: Iterable[str] = (),
        mailbox_port: Optional[int] = None,
        advertise: Optional[str] = None,
        advertise_everywhere: Optional[str] = None,
        two_way: bool = True,
        beacon_interval: Optional[float] = None,
        evasive_timeout: Optional[float] = None,
        silent_timeout: Optional[float] = None,
        expired_timeout: Optional[float] = None,
        share: Optional[_Path] = None,
        receive: Optional[_Path] = None,
        publishing: bool = False,
        ask: bool = False,
        received_limits: Optional[ReceivedLimits] = None,
        file_port: Optional[int] = None,
        advertise_file_port: Optional[int] = None,
        limits: Optional[Limits] = None,
        logging: Optional[Literal["error", "warning", "info"]] = None,
        log_messages: bool = False,
    ) -> None:
        settings = {key: value for key, value in locals().items() if key not in ("self", "__class__")}
        settings["headers"] = list((headers or {}).items())
        for several in _SEVERAL:
            value = settings[several]
            if isinstance(value, str):
                raise TypeError(f"{several} takes a list of texts, not one text")
            settings[several] = list(value)
        # The loops that watch the descriptor, and those who wait for events in each.
        self._watches: dict[asyncio.AbstractEventLoop, weakref.finalize[..., Node]] = {}
        self._waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self._start(settings)

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    async def __aenter__(self: T) -> T:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.astop()

    async def __aiter__(self) -> AsyncIterator[_zyre.Event]:
        """Yields the events until the node has stopped, without a thread."""
        turn = 0
        while True:
            try:
                event = self.try_recv()
            except Stopped:
                return
            if event is None:
                turn = 0
                await self._readable(None)
                continue
            yield event
            turn += 1
            if turn == _TURN:
                turn = 0
                await asyncio.sleep(0)

    async def arecv(self, timeout: Optional[float] = None) -> Optional[_zyre.Event]:
        """Like `recv`, for a coroutine. No event is lost if it is cancelled."""
        return await self._await(self.try_recv, timeout)

    async def arecv_batch(self, most: int = 256, timeout: Optional[float] = None) -> list[_zyre.Event]:
        """Like `recv_batch`, for a coroutine. No event is lost if it is cancelled."""
        return await self._await(lambda: self.recv_batch(most, 0) or None, timeout) or []

    async def aready(self, peer: PeerId, bytes: int = 0, timeout: Optional[float] = None) -> bool:
        """Like `ready`, for a coroutine."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self.ready(peer, bytes, 0):
            return True
        while True:
            left = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
            if left <= 0:
                return False
            if await _apart(lambda: self.ready(peer, bytes, left)):
                return True

    async def aready_in(self, group: str, bytes: int = 0) -> None:
        """Like `ready_in`, for a coroutine."""
        await _apart(lambda: self.ready_in(group, bytes))

    async def apublish(
        self,
        path: _Path,
        *,
        group: Optional[str] = None,
        peer: Optional[PeerId] = None,
        name: Optional[str] = None,
        ignore: Iterable[str] = (),
        hidden: bool = False,
    ) -> str:
        """Like `publish`, for a coroutine."""
        patterns = list(ignore)
        return await _apart(
            lambda: self.publish(
                path, group=group, peer=peer, name=name, ignore=patterns, hidden=hidden
            )
        )

    async def aretract(self, name: str) -> bool:
        """Like `retract`, for a coroutine."""
        return await _apart(lambda: self.retract(name))

    async def astop(self) -> None:
        """Like `stop`, for a coroutine. Once begun it goes on, even if it is cancelled."""
        await _apart(self.stop)

    async def _await(self, look: Callable[[], Optional[T]], timeout: Optional[float]) -> Optional[T]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            found = look()
            if found is not None:
                return found
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            await self._readable(left)

    async def _readable(self, timeout: Optional[float]) -> None:
        """Waits until there may be events. One future for all that come until then."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(loop)
        if waiting is None:
            try:
                self._watch(loop)
            except (NotImplementedError, OSError):
                # A loop without descriptors, as that of Windows.
                await asyncio.sleep(_LOOK if timeout is None else min(_LOOK, timeout))
                return
            waiting = self._waiting[loop] = []
        future: asyncio.Future[None] = loop.create_future()
        waiting.append(future)
        try:
            await (future if timeout is None else asyncio.wait([future], timeout=timeout))
        finally:
            if future in waiting:
                waiting.remove(future)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has a loop watch the descriptor, as long as the node lives: it does not keep the node."""
        descriptor = self.fileno()
        loop.add_reader(descriptor, _wake, weakref.ref(self), loop)
        self._watches[loop] = weakref.finalize(self, _unwatch, loop, descriptor)
        self._watches[loop].atexit = False
        for old in [old for old in self._watches if old.is_closed()]:
            self._watches.pop(old).detach()
            self._waiting.pop(old, None)

    def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        """The descriptor is readable: wakes all who wait, and they look for themselves."""
        self._clear()
        for other in list(self._waiting):
            if other is not loop and not other.is_closed():
                other.call_soon_threadsafe(self._resolve, other)
        self._resolve(loop)

    def _resolve(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._waiting.get(loop, [])
        futures = waiting[:]
        waiting.clear()
        for future in futures:
            if not future.done():
                future.set_result(None)


def _wake(node: weakref.ref[Node], loop: asyncio.AbstractEventLoop) -> None:
    this = node()
    if this is not None:
        this._woken(loop)


def _unwatch(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    """The node goes, and the number of its descriptor will be that of another one."""
    if loop.is_closed():
        return
    try:
        is_here = asyncio.get_running_loop() is loop
    except RuntimeError:
        is_here = not loop.is_running()
    if is_here:
        loop.remove_reader(descriptor)
    else:
        loop.call_soon_threadsafe(loop.remove_reader, descriptor)


_SEVERAL = (
    "groups",
    "contest",
    "interfaces",
    "except_interfaces",
    "require",
    "gossip_listen",
    "gossip_connect",
)


async def _apart(work: Callable[[], T]) -> T:
    """Runs what blocks on a thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, work)


