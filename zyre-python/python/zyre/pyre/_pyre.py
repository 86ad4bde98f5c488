"""A node with the API of pyre."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Optional, Union
from uuid import UUID, uuid4

import zmq

from .. import _errors, _zyre
from .._node import Node
from .._records import Limits, PeerInfo
from ._feeder import Feeder
from ._pyre_event import PyreEvent

logger = logging.getLogger("pyre")
beacon_logger = logging.getLogger("pyre.zbeacon")

_Message = Union[bytes, str, "list[bytes]", "tuple[bytes, ...]"]

# What `zmq.Socket.recv` and `get` come to in the end: half of the way.
_recv = zmq.backend.Socket.recv
_get = zmq.backend.Socket.get

# What waits for one peer until `whisper` waits too.
_LINK_MESSAGES = 10_000


class Pyre:
    """A node on the network. It lives from `start` to `stop`; what it receives comes from `socket`."""

    def __init__(self, name: Optional[str] = None, ctx: Any = None, *args: Any, **kwargs: Any) -> None:
        self._id = uuid4()
        self._name = name
        self._headers: dict[str, str] = {}
        self._groups: list[str] = []
        self._settings: dict[str, Any] = {}
        self._gossip: dict[str, Any] = {"gossip_listen": [], "gossip_connect": []}
        self._node: Optional[Node] = None
        self._ctx = zmq.Context() if ctx is None else ctx
        self._feeder = Feeder(self._ctx)
        self.inbox: Any = self._feeder.inbox
        """The socket that `recv` reads."""
        self.verbose = False

    def __enter__(self) -> Pyre:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __del__(self) -> None:
        feeder: Optional[Feeder] = getattr(self, "_feeder", None)
        if feeder is None:
            return
        try:
            self.stop()
        except _errors.Error:
            # It has stopped, or belongs to the parent process.
            pass
        feeder.close()

    def uuid(self) -> UUID:
        """Returns the id of the node."""
        return self._id

    def name(self) -> str:
        """Returns the name of the node: by default the first six digits of its id."""
        return self._id.hex[:6].upper() if self._name is None else self._name

    def set_name(self, name: str) -> None:
        """Sets the name of the node. Has no effect after `start`."""
        self._name = name

    def set_header(self, key: str, value: str) -> None:
        """Sets what the node says about itself, to peers that it meets from now on."""
        self._headers[key] = value
        if self._node is not None:
            self._node.set_header(key, value)

    def set_verbose(self) -> None:
        """Logs every event, to the logger `pyre`."""
        self.verbose = self._feeder.verbose = True

    def set_port(self, port_nbr: Union[int, str, bytes]) -> None:
        """Sets the UDP port of the beacon, 5670 by default. Has no effect after `start`."""
        self._settings["beacon_port"] = int(port_nbr)

    def set_interval(self, interval: Union[int, str]) -> None:
        """Sets the time from beacon to beacon, in milliseconds."""
        self._set_time("beacon_interval", interval)

    def set_evasive_timeout(self, interval: Union[int, str]) -> None:
        """Sets how long a peer may not be heard until it is asked whether it is there, in milliseconds."""
        self._set_time("evasive_timeout", interval)

    def set_expired_timeout(self, interval: Union[int, str]) -> None:
        """Sets how long a peer may not be heard until it is given up, in milliseconds."""
        self._set_time("expired_timeout", interval)

    def set_interface(self, value: str) -> None:
        """Limits the node to an interface, by its name or address. Has no effect after `start`."""
        self._settings["interfaces"] = [value]

    def set_endpoint(self, format: str, *args: Any) -> None:
        """Opens the node at this endpoint, `tcp://ip:port`, without beacons: it is found by gossip. Has no
        effect after `start`."""
        host, _, port = _formatted(format, args).rpartition("://")[2].rpartition(":")
        if host not in ("*", "0.0.0.0"):
            self._settings["interfaces"] = [host.strip("[]")]
        self._settings.update(beacon=False, mailbox_port=int(port))

    def gossip_bind(self, format: str, *args: Any) -> None:
        """Makes the node a gossip hub at this endpoint, `tcp://ip:port`."""
        address = _formatted(format, args).rpartition("://")[2].replace("*", "0.0.0.0")
        self._gossip["gossip_listen"].append(address)
        if self._node is not None:
            self._node.gossip_listen(address)

    def gossip_connect(self, format: str, *args: Any) -> None:
        """Connects to a gossip hub."""
        hub = _formatted(format, args)
        self._gossip["gossip_connect"].append(hub)
        if self._node is not None:
            self._node.gossip_connect(hub)

    def start(self) -> bool:
        """Starts the node: it finds others, and they find it."""
        if self._node is not None:
            return True
        self._node = Node(
            self._name,
            id=self._id,
            headers=self._headers,
            groups=self._groups,
            limits=Limits(link_messages=_LINK_MESSAGES),
            **self._gossip,
            **self._settings,
        )
        self._feeder.start(self._node)
        logger.info("%s is at %s", self.name(), self._node.endpoint)
        for interface in self._node.interfaces():
            why = "used" if interface.unused is None else interface.unused
            beacon_logger.debug("%s: %s", interface.name, why)
        return True

    def stop(self) -> None:
        """Stops the node, politely. The last message is `STOP`."""
        if self._node is not None:
            self._node.stop()
            self._feeder.finish()

    def join(self, group: str) -> None:
        """Joins a group; then what is shouted to it arrives."""
        if group not in self._groups:
            self._groups.append(group)
        if self._node is not None:
            self._node.join(group)

    def leave(self, group: str) -> None:
        """Leaves a group."""
        if group in self._groups:
            self._groups.remove(group)
        if self._node is not None:
            self._node.leave(group)

    def whisper(self, peer: UUID, msg_p: _Message) -> None:
        """Sends to one peer: bytes, or a list of frames. Waits if the peer takes nothing; nothing happens if
        it is gone."""
        node = self._started()
        message = msg_p if isinstance(msg_p, (bytes, str)) else list(msg_p)
        try:
            while True:
                try:
                    return node.whisper(peer, message)
                except _errors.Full:
                    node.ready(peer, _size(message))
        except _errors.UnknownPeer as gone:
            logger.debug("%s", gone)

    def shout(self, group: str, msg_p: _Message) -> None:
        """Sends to all peers in a group: bytes, or a list of frames."""
        node = self._started()
        message = msg_p if isinstance(msg_p, (bytes, str)) else list(msg_p)
        node.ready_in(group, _size(message))
        node.shout(group, message)

    def whispers(self, peer: UUID, format: Union[str, bytes], *args: Any) -> None:
        """Sends text to one peer."""
        self.whisper(peer, _formatted(format, args))

    def shouts(self, group: str, format: Union[str, bytes], *args: Any) -> None:
        """Sends text to all peers in a group."""
        self.shout(group, _formatted(format, args))

    def peers(self) -> list[UUID]:
        """Returns the ids of the peers that are present."""
        return [] if self._node is None else self._node.peers()

    def peers_by_group(self, group: str) -> list[UUID]:
        """Returns the ids of the peers in a group."""
        return [] if self._node is None else self._node.peers_in(group)

    def own_groups(self) -> list[str]:
        """Returns the groups that the node is in."""
        return list(self._groups)

    def peer_groups(self) -> list[str]:
        """Returns the groups that peers are in."""
        return [] if self._node is None else self._node.peer_groups()

    def endpoint(self) -> str:
        """Returns where peers reach the node; nothing before `start`."""
        return "" if self._node is None else self._node.endpoint

    def get_peer_name(self, peer: UUID) -> str:
        """Returns the name of a peer; nothing if it is not present."""
        info = self._peer(peer)
        return "" if info is None else info.name

    def peer_address(self, peer: UUID) -> str:
        """Returns the endpoint of a peer; nothing if it is not present."""
        info = self._peer(peer)
        return "" if info is None else info.endpoint

    def peer_header_value(self, peer: UUID, name: str) -> str:
        """Returns a header of a peer; nothing if it has none of this name."""
        return self.peer_headers(peer).get(name, "")

    def peer_headers(self, peer: UUID) -> dict[str, str]:
        """Returns the headers of a peer."""
        info = self._peer(peer)
        return {} if info is None else info.headers

    def socket(self) -> Any:
        """Returns the socket that `recv` reads, for `zmq.Poller`."""
        return self.inbox

    def recv(self) -> list[bytes]:
        """Waits for the next message, and returns its frames."""
        inbox = self.inbox
        frames: list[bytes]
        if type(inbox) is not zmq.Socket:
            # Of gevent or asyncio, which wait in their own ways.
            frames = inbox.recv_multipart()
            return frames
        frames = [_recv(inbox)]
        while _get(inbox, zmq.RCVMORE):
            frames.append(_recv(inbox))
        return frames

    def recent_events(self) -> Iterator[PyreEvent]:
        """Yields the events that are there."""
        while self.inbox.get(zmq.EVENTS) & zmq.POLLIN:
            yield PyreEvent(self)

    def events(self) -> Iterator[PyreEvent]:
        """Yields events, and waits for more."""
        while True:
            yield PyreEvent(self)

    @staticmethod
    def version() -> tuple[int, int, int]:
        """Returns the version of pyre whose API this is."""
        return (0, 3, 4)

    def _peer(self, peer: UUID) -> Optional[PeerInfo]:
        return None if self._node is None else self._node.peer(peer)

    def _started(self) -> Node:
        if self._node is None:
            raise _errors.StartError("the node does not send before start() is called")
        return self._node

    def _set_time(self, name: str, interval: Union[int, str]) -> None:
        seconds = float(interval) / 1000
        self._settings[name] = seconds
        if self._node is not None:
            getattr(self._node, f"set_{name}")(seconds)


def _formatted(format: Any, args: tuple[Any, ...]) -> Any:
    return format % args if args else format


def _size(message: Any) -> int:
    return len(message) if isinstance(message, (bytes, str)) else sum(map(len, message))


# The logger says which library it is, since the names are those of pyre.
logger.debug("pyre's API on zyre %s", _zyre.VERSION)
