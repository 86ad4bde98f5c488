from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Literal, final
from uuid import UUID

from typing_extensions import Self, disjoint_base

from ._choices import ExitReason, Fate, UnreachableReason
from ._node import Content, PeerId
from ._records import (
    Connection,
    Gossip,
    Interface,
    Offer,
    OmittedFiles,
    PeerInfo,
    Requirement,
    Room,
    Stats,
)

__all__ = [
    "VERSION",
    "BEACON_PORT",
    "NETWORK_BEACON_PORT",
    "Node",
    "PublicKey",
    "Identity",
    "NetworkKey",
    "Trust",
    "State",
    "Event",
    "Enter",
    "Exit",
    "Join",
    "Leave",
    "Whisper",
    "Shout",
    "Evasive",
    "Silent",
    "Returned",
    "Unreachable",
    "EndpointUnreachable",
    "Leader",
    "KeyChanged",
    "Stranger",
    "TrustFileUnusable",
    "Offered",
    "Withdrawn",
    "Deliver",
    "Retract",
    "Refused",
    "Retried",
    "Published",
    "Omitted",
    "FolderUnusable",
    "FolderUsable",
    "FileServerUnreachable",
    "FileServerReached",
    "Receiving",
    "Sending",
    "Sent",
    "Confirmed",
    "Declined",
    "Rejected",
    "IdInUse",
    "HubUnreachable",
    "HubReached",
    "Moved",
    "Stop",
    "EVENTS",
    "_forked",
    "_stop_all",
    "_host_addresses",
]

_Path = str | PathLike[str]
_Level = Literal["error", "warning", "info"]

VERSION: str
BEACON_PORT: int
NETWORK_BEACON_PORT: int
EVENTS: tuple[type[Event], ...]

def _forked() -> None: ...
def _stop_all() -> None: ...
def _host_addresses() -> list[tuple[str, str, str, str | None]]: ...

@disjoint_base
class Node:
    """A node on the network: what `zyre.Node` is made of."""
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def _start(self, settings: dict[str, Any]) -> None: ...
    @property
    def id(self) -> UUID:
        """The id of the node."""
    @property
    def name(self) -> str:
        """The name of the node."""
    @property
    def endpoint(self) -> str:
        """Where peers reach the node's mailbox."""
    @property
    def endpoints(self) -> list[str]:
        """All endpoints of the node's mailbox."""
    @property
    def key(self) -> PublicKey | None:
        """The node's key, if it is a secure one."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def recv(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event. Returns `None` if there is none within `timeout` seconds; without a
        timeout it waits until there is.

        After the last event, `Stop`, it raises `Stopped`."""
    def try_recv(self) -> Event | None:
        """Returns the next event if there is one, or `None`.

        After the last event, `Stop`, it raises `Stopped`."""
    def recv_batch(self, most: int = 256, timeout: float | None = None) -> list[Event]:
        """Waits until there are events, and returns those that are there, up to `most`. Returns an empty list
        if there is none within `timeout` seconds.

        After the last event, `Stop`, it raises `Stopped`."""
    def fileno(self) -> int:
        """Returns the number of a descriptor that is readable as long as there are events, for `select` and
        other loops: then take them with `try_recv` until that is `None`. There is none on Windows."""
    def _clear(self) -> None: ...
    def whisper(self, peer: PeerId, content: Content) -> None:
        """Sends to one peer: text, bytes, or a list of these, which are the frames of the message.

        Raises `Full` if so much waits for the peer that it has to take some first: see `ready`; and
        `UnknownPeer` if it is not there (any more)."""
    def shout(self, group: str, content: Content) -> None:
        """Sends to all peers in a group: text, bytes, or a list of these, which are the frames of the message.
        This node need not be in the group, and does not hear it."""
    def ready(self, peer: PeerId, bytes: int = 0, timeout: float | None = None) -> bool:
        """Waits until a peer takes a message of that many bytes. Returns `False` if it does not within
        `timeout` seconds. Raises `UnknownPeer` when the peer is gone."""
    def ready_in(self, group: str, bytes: int = 0) -> None:
        """Waits until every member of a group takes a message of that many bytes, but for none longer than
        `Limits.stall_timeout`."""
    def room(self, peer: PeerId) -> Room | None:
        """Returns what can be whispered to a peer now; `None` if it is not present."""
    def join(self, group: str) -> None:
        """Joins a group: all peers are told, and what is shouted to the group arrives."""
    def leave(self, group: str) -> None:
        """Leaves a group: all peers are told."""
    def contest(self, group: str) -> None:
        """Contests in a group, and joins it: of all members that contest, the one with the lowest id leads."""
    def leader(self, group: str) -> UUID | None:
        """Returns who leads a group, this node or a peer; `None` if nobody does."""
    def peers(self) -> list[UUID]:
        """Returns the ids of the peers that are present."""
    def peers_in(self, group: str) -> list[UUID]:
        """Returns the ids of the peers in a group. This node is not among them."""
    def own_groups(self) -> list[str]:
        """Returns the groups that this node is in."""
    def peer_groups(self) -> list[str]:
        """Returns the groups that peers are in."""
    def peer(self, id: PeerId) -> PeerInfo | None:
        """Returns what is known of a peer; `None` if it is not present."""
    def peers_info(self) -> list[PeerInfo]:
        """Returns what is known of all peers that are present, all as of one moment."""
    def set_header(self, name: str, value: str) -> None:
        """Sets what the node says about itself, to peers that it meets from now on."""
    def set_service(self, name: str, port: int) -> None:
        """Says in a header where a service of this node is: each peer is told the address by which it reaches
        this node, and this port."""
    def stop(self) -> None:
        """Stops the node: sends what waits, tells peers goodbye, and waits until that is done. The last event
        is `Stop`."""
    def abort(self) -> None:
        """Ends the node at once and without a goodbye, as if its process had been killed."""
    def interfaces(self) -> list[Interface]:
        """Returns the interfaces of this host, those that the node uses and the others, with the reason."""
    def connections(self) -> list[Connection]:
        """Returns the connections of the node that are up."""
    def set_evasive_timeout(self, seconds: float) -> None:
        """Sets how long a peer may not be heard until it is evasive, in seconds."""
    def set_silent_timeout(self, seconds: float) -> None:
        """Sets how long an evasive peer may not answer until it is silent, in seconds."""
    def set_expired_timeout(self, seconds: float) -> None:
        """Sets how long a peer may not be heard until it is given up, in seconds."""
    def set_beacon_interval(self, seconds: float) -> None:
        """Sets the time from beacon to beacon, in seconds."""
    def require(self, endpoint: str, peer: PeerId | None = None) -> None:
        """Connects to a node that no beacon tells of, again and again: to the one with this id if it is given,
        or else to any node at the endpoint, `host:port`."""
    def forget(self, *, endpoint: str | None = None, peer: PeerId | None = None) -> None:
        """Takes back what was required at an endpoint, or of a peer. Who is present stays."""
    def required(self) -> list[Requirement]:
        """Returns what is required, and how far it is with each."""
    def gossip_listen(self, address: str) -> str:
        """Makes the node a gossip hub at one more address, `ip:port`. Returns the address, with its port."""
    def gossip_connect(self, hub: str) -> None:
        """Connects to one more gossip hub, `host:port`."""
    def gossip(self) -> Gossip:
        """Returns how gossip is: where this node listens, its clients, and which hubs are connected."""
    def peer_key(self, peer: PeerId) -> PublicKey | None:
        """Returns the key that a peer has proved; `None` if it is not present, or this node is not a secure one."""
    def trust(self, key: PublicKey) -> None:
        """Trusts a key from now on, also if it was distrusted before."""
    def trust_words(self, words: str) -> None:
        """Trusts the first key that is heard from now on, or was asked about lately, and has these six words."""
    def distrust(self, key: PublicKey) -> None:
        """Does not trust a key any more: all peers that have it exit at once."""
    def set_logging(self, level: _Level | None) -> None:
        """Records in the log what is of this level (`"error"`, `"warning"`, `"info"`) or more urgent, for
        collectors on the network; `None`: nothing."""
    def log(self, level: _Level, text: str) -> None:
        """Records a line of the application's own, if logging is on for its level."""
    def stats(self) -> Stats:
        """Returns what was counted since the start."""
    def publish(
        self,
        path: _Path,
        *,
        group: str | None = None,
        peer: PeerId | None = None,
        name: str | None = None,
        ignore: list[str] = ...,
        hidden: bool = False,
    ) -> str:
        """Publishes a file, or a folder with all that is in it: each peer that shares files gets it, or only
        the members of a group, or one peer. Returns its name on the network.

        `ignore` are patterns in the syntax of `.gitignore`, of what is left out."""
    def retract(self, name: str) -> bool:
        """Takes back what was published under this name: it is deleted where it has arrived. Returns `False`
        if nothing was."""
    def offers(self, peer: PeerId) -> list[Offer]:
        """Returns what a peer has on offer now."""
    def accept(self, offer: int, path: _Path | None = None) -> None:
        """Accepts a file on offer, which is moved to `path` when it has come, if that is given."""
    def decline(self, offer: int, reason: str = "") -> None:
        """Declines a file on offer: the peer is told the reason."""
    def pause(self, offer: int) -> None:
        """Puts a file on offer off: what has come of it is kept."""
    def cancel(self, offer: int) -> None:
        """Takes back what was decided about a file on offer."""

@final
class PublicKey:
    """The public key of a node: who it is, on every network and after every restart.

    Shown and parsed as 40 characters."""
    def __new__(cls, text: str) -> Self: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> PublicKey:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @property
    def words(self) -> str:
        """The six words that stand for the key, which two people can compare."""
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Identity:
    """Who a secure node is: a key pair. Its public key is what others know it by."""
    @staticmethod
    def create() -> Identity:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def load(path: _Path) -> Identity:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def load_or_create(path: _Path) -> Identity:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def save(self, path: _Path) -> None:
        """Writes a certificate that only its user can read. One that is there already is not replaced."""
    @property
    def public_key(self) -> PublicKey:
        """Who that is."""

@final
class NetworkKey:
    """One secret for all who belong to a network: who has it is trusted by all who have it.

    Made from its twelve words, or drawn by `generate`."""
    def __new__(cls, words: str) -> Self: ...
    @staticmethod
    def generate() -> NetworkKey:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def load(path: _Path) -> NetworkKey:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def save(self, path: _Path) -> None:
        """Writes a file that only its user can read. One that is there already is not replaced."""
    @property
    def words(self) -> str:
        """The twelve words, for people who are to belong to the network. They are a secret."""

@final
class Trust:
    """Whom a secure node has to do with. There is no default. `a | b` trusts whom one of both trusts."""
    @staticmethod
    def network(key: NetworkKey) -> Trust:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def only(keys: Iterable[PublicKey]) -> Trust:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def file(path: _Path) -> Trust:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def ask() -> Trust:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def anyone() -> Trust:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def __or__(self, other: Trust, /) -> Trust: ...
    def __ror__(self, other: Trust, /) -> Trust: ...

@final
class State:
    """What of a node outlives its process: its id, and its name if it was given one. A directory, which
    belongs to one node at a time."""
    def __new__(cls, directory: _Path) -> Self: ...
    @staticmethod
    def open_instance(directory: _Path, program: str) -> State:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def directory_of(application: str) -> Path:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @property
    def id(self) -> UUID:
        """The id of the node."""
    @property
    def name(self) -> str | None:
        """The name that the node was given, if any."""
    def set_name(self, name: str) -> None:
        """Keeps a name for the next nodes with this state."""
    @property
    def directory(self) -> Path:
        """The directory of the state."""

@disjoint_base
class Event:
    """Something that has happened on the network, or to this node. Its subclasses tell what:

    match event:
        case zyre.Enter(name=name):
            print(name, "is here")
        case zyre.Whisper(peer=peer, content=content):
            node.whisper(peer, content)"""
    @property
    def peer(self) -> UUID | None:
        """The peer that the event is about, if it is about one."""
    def _pyre_frames(self) -> list[bytes] | None: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Enter(Event):
    """A peer is present and can be sent to."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["headers"], Literal["endpoint"], Literal["key"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name for people."""
    @property
    def headers(self) -> dict[str, str]:
        """What it says about itself."""
    @property
    def endpoint(self) -> str:
        """The endpoint of its mailbox."""
    @property
    def key(self) -> PublicKey | None:
        """The key that it has proved, if this node is a secure one."""

@final
class Exit(Event):
    """A peer is gone. If it comes back there is a new `Enter`."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["reason"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def reason(self) -> ExitReason:
        """Why it is gone."""

@final
class Join(Event):
    """A peer is in a group. Follows `Enter` for each group that it was already in."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["group"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def group(self) -> str:
        """The group."""

@final
class Leave(Event):
    """A peer has left a group. `Exit` leaves all groups without a `Leave` for each."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["group"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def group(self) -> str:
        """The group."""

@final
class Whisper(Event):
    """A peer has sent a message to this node alone."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["content"]]]
    @property
    def peer(self) -> UUID:
        """The sender."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def content(self) -> bytes:
        """The message: the bytes of all frames."""
    @property
    def frames(self) -> list[bytes]:
        """The frames of the message; mostly there is one."""
    @property
    def text(self) -> str:
        """The message as text: frames are separated by spaces, and what is not UTF-8 is replaced."""

@final
class Shout(Event):
    """A peer has sent a message to a group that this node is in."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["group"], Literal["content"]]]
    @property
    def peer(self) -> UUID:
        """The sender."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def group(self) -> str:
        """The group."""
    @property
    def content(self) -> bytes:
        """The message: the bytes of all frames."""
    @property
    def frames(self) -> list[bytes]:
        """The frames of the message; mostly there is one."""
    @property
    def text(self) -> str:
        """The message as text: frames are separated by spaces, and what is not UTF-8 is replaced."""

@final
class Evasive(Event):
    """Nothing was heard from a peer for `evasive_timeout`; it is asked whether it is there."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""

@final
class Silent(Event):
    """A peer has not answered within `silent_timeout`."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""

@final
class Returned(Event):
    """A peer that was evasive or silent is back."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""

@final
class Unreachable(Event):
    """A node is heard of, and cannot be met. Show it: mostly a person has to do something about it."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["endpoint"], Literal["why"]]]
    @property
    def peer(self) -> UUID:
        """The node."""
    @property
    def endpoint(self) -> str:
        """Where it was looked for."""
    @property
    def why(self) -> UnreachableReason:
        """Why it cannot be met."""

@final
class EndpointUnreachable(Event):
    """Nobody can be met at an endpoint that is required. Comes once for each reason."""
    __match_args__: ClassVar[tuple[Literal["endpoint"], Literal["why"]]]
    @property
    def endpoint(self) -> str:
        """The endpoint."""
    @property
    def why(self) -> UnreachableReason:
        """Why nobody can be met there."""

@final
class Leader(Event):
    """Another member leads a group that this node is in, or nobody does any more."""
    __match_args__: ClassVar[tuple[Literal["group"], Literal["leader"], Literal["mine"]]]
    @property
    def group(self) -> str:
        """The group."""
    @property
    def leader(self) -> UUID | None:
        """Who leads now, this node or a peer; `None` if nobody does."""
    @property
    def mine(self) -> bool:
        """Whether that is this node."""

@final
class KeyChanged(Event):
    """The peer that has just entered has another key than the last one of its name had."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["before"], Literal["key"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def before(self) -> PublicKey:
        """The key that had the name before."""
    @property
    def key(self) -> PublicKey:
        """The key that this peer has proved."""

@final
class Stranger(Event):
    """A stranger is heard, and the node asks whether to trust it."""
    __match_args__: ClassVar[tuple[Literal["key"], Literal["address"]]]
    @property
    def key(self) -> PublicKey:
        """Its key: `Node.trust` lets it in."""
    @property
    def address(self) -> str:
        """Where it is."""

@final
class TrustFileUnusable(Event):
    """The file with the trusted keys cannot be used. What it said before holds."""
    __match_args__: ClassVar[tuple[Literal["error"]]]
    @property
    def error(self) -> str:
        """What is wrong, and where."""

@final
class Offered(Event):
    """A peer has a file for this node, which comes if `Node.accept` is called."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["offer"]]]
    @property
    def peer(self) -> UUID:
        """The peer that has published it."""
    @property
    def offer(self) -> Offer:
        """The file."""

@final
class Withdrawn(Event):
    """An offer holds no more: the file has changed, or is gone."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["id"], Literal["name"]]]
    @property
    def peer(self) -> UUID:
        """The peer that had published it."""
    @property
    def id(self) -> int:
        """Which offer."""
    @property
    def name(self) -> str:
        """Its name on the network."""

@final
class Deliver(Event):
    """A file that a peer has published is here, complete."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["path"], Literal["size"]]]
    @property
    def peer(self) -> UUID:
        """The peer that has published it."""
    @property
    def name(self) -> str:
        """Its name on the network, such as `/photos/a.jpg`."""
    @property
    def path(self) -> Path:
        """Where it is."""
    @property
    def size(self) -> int:
        """Its size in bytes."""

@final
class Retract(Event):
    """A peer has taken back a file, and it is gone here."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["path"]]]
    @property
    def peer(self) -> UUID:
        """The peer that had published it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def path(self) -> Path:
        """Where it was."""

@final
class Refused(Event):
    """A file that a peer has published was not accepted."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["reason"], Literal["fate"]]]
    @property
    def peer(self) -> UUID:
        """The peer that has published it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def reason(self) -> str:
        """Why it was not accepted."""
    @property
    def fate(self) -> Fate:
        """Whether it may be accepted later: then it is tried again."""

@final
class Retried(Event):
    """A file that was refused for a passing reason is being received now."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"]]]
    @property
    def peer(self) -> UUID:
        """The peer that has published it."""
    @property
    def name(self) -> str:
        """Its name on the network."""

@final
class Published(Event):
    """A folder or a file of this node is published."""
    __match_args__: ClassVar[tuple[Literal["name"], Literal["files"], Literal["bytes"]]]
    @property
    def name(self) -> str:
        """Its name on the network; `/` is the shared folder."""
    @property
    def files(self) -> int:
        """How many files it has."""
    @property
    def bytes(self) -> int:
        """How many bytes they have."""

@final
class Omitted(Event):
    """Some files of this node are not published."""
    __match_args__: ClassVar[tuple[Literal["name"], Literal["omitted"]]]
    @property
    def name(self) -> str:
        """The published folder; `/` is the shared folder."""
    @property
    def omitted(self) -> OmittedFiles:
        """Why, and how many."""

@final
class FolderUnusable(Event):
    """The received folder cannot be used. Nothing is received until `FolderUsable`."""
    __match_args__: ClassVar[tuple[Literal["why"]]]
    @property
    def why(self) -> str:
        """What the operating system says."""

@final
class FolderUsable(Event):
    """The received folder can be used again."""
    __match_args__: ClassVar[tuple[()]]

@final
class FileServerUnreachable(Event):
    """The file server of a peer cannot be reached. It is tried again and again."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["endpoint"], Literal["why"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""
    @property
    def endpoint(self) -> str:
        """Where its file server is looked for."""
    @property
    def why(self) -> str:
        """Why it was not reached."""

@final
class FileServerReached(Event):
    """The file server of a peer that could not be reached is connected."""
    __match_args__: ClassVar[tuple[Literal["peer"]]]
    @property
    def peer(self) -> UUID:
        """The peer."""

@final
class Receiving(Event):
    """A file is coming in; told about ten times a second."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["bytes"], Literal["total"], Literal["rate"]]]
    @property
    def peer(self) -> UUID:
        """The peer that sends it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def bytes(self) -> int:
        """Bytes received so far."""
    @property
    def total(self) -> int | None:
        """Bytes in all, if the peer tells."""
    @property
    def rate(self) -> int:
        """Bytes per second since the transfer began."""

@final
class Sending(Event):
    """A file is going out; told about ten times a second."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["bytes"], Literal["total"], Literal["rate"]]]
    @property
    def peer(self) -> UUID:
        """The peer that receives it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def bytes(self) -> int:
        """Bytes handed to the network so far."""
    @property
    def total(self) -> int | None:
        """Bytes in all."""
    @property
    def rate(self) -> int:
        """Bytes per second since the transfer began."""

@final
class Sent(Event):
    """A file was sent to its end. `Confirmed` tells that the peer has it."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["size"], Literal["receipt_follows"]]]
    @property
    def peer(self) -> UUID:
        """The peer that it was sent to."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def receipt_follows(self) -> bool:
        """Whether the peer has still to say what has become of it."""

@final
class Confirmed(Event):
    """A peer has said that it has a file, whole and verified."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["size"], Literal["already"]]]
    @property
    def peer(self) -> UUID:
        """The peer that has it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def already(self) -> bool:
        """Whether the peer has it from before, so that it was not sent."""

@final
class Declined(Event):
    """A peer does not want a file of this node."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["reason"]]]
    @property
    def peer(self) -> UUID:
        """The peer that does not want it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def reason(self) -> str:
        """What the peer says; may be empty."""

@final
class Rejected(Event):
    """A peer has said that it does not accept a file of this node."""
    __match_args__: ClassVar[tuple[Literal["peer"], Literal["name"], Literal["reason"], Literal["fate"]]]
    @property
    def peer(self) -> UUID:
        """The peer that does not accept it."""
    @property
    def name(self) -> str:
        """Its name on the network."""
    @property
    def reason(self) -> str:
        """What the peer says."""
    @property
    def fate(self) -> Fate:
        """Whether the peer tries again by itself."""

@final
class IdInUse(Event):
    """Another node uses the id of this one: one of the two needs another id."""
    __match_args__: ClassVar[tuple[Literal["endpoint"]]]
    @property
    def endpoint(self) -> str:
        """Where the other one is."""

@final
class HubUnreachable(Event):
    """A gossip hub cannot be reached. It is tried again and again."""
    __match_args__: ClassVar[tuple[Literal["hub"], Literal["why"]]]
    @property
    def hub(self) -> str:
        """Its endpoint, as it was given."""
    @property
    def why(self) -> str:
        """Why it was not reached."""

@final
class HubReached(Event):
    """A gossip hub that could not be reached has answered."""
    __match_args__: ClassVar[tuple[Literal["hub"]]]
    @property
    def hub(self) -> str:
        """Its endpoint, as it was given."""

@final
class Moved(Event):
    """This node has another endpoint: its interfaces have changed."""
    __match_args__: ClassVar[tuple[Literal["endpoint"]]]
    @property
    def endpoint(self) -> str:
        """The new endpoint of its mailbox."""

@final
class Stop(Event):
    """This node has stopped. The last event of all."""
    __match_args__: ClassVar[tuple[()]]
