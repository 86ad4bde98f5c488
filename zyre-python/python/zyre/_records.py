"""What a node tells of its peers, its network and itself; and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional
from uuid import UUID

from ._choices import LinkKind, Liveness, OfferState, UnreachableReason, UnusedReason


@dataclass(frozen=True)
class PeerInfo:
    """What is known of a peer that is present."""

    id: UUID
    name: str
    headers: dict[str, str]
    endpoint: str
    groups: list[str]
    liveness: Liveness
    link: LinkKind


@dataclass(frozen=True)
class Room:
    """What can be sent to a peer now."""

    messages: int
    bytes: int


@dataclass(frozen=True)
class Interface:
    """An interface of this host, and what a node makes of it."""

    name: str
    addresses: list[str]
    prefixes: list[int]
    used: list[str]
    """The addresses at which the node lives; none if it does not use the interface."""
    broadcasts: list[str]
    unused: Optional[UnusedReason]
    """Why the node does not use it."""
    unsent: Optional[str]
    """Why the last beacon could not be sent there."""


@dataclass(frozen=True)
class Connection:
    """A connection of a node that is up."""

    peer: Optional[UUID]
    remote: str
    dialled: bool
    """Whether this node has connected to the other one."""


@dataclass(frozen=True)
class Requirement:
    """What is known of something that the application requires."""

    endpoint: str
    peer: Optional[UUID]
    is_present: bool
    problem: Optional[UnreachableReason]


@dataclass(frozen=True)
class Hub:
    """A gossip hub that a node connects to."""

    endpoint: str
    address: Optional[str]
    """Where it is connected; `None` if it is not."""
    problem: Optional[str]
    """Why the last attempt has failed, if it has."""


@dataclass(frozen=True)
class GossipStats:
    """What was counted about gossip."""

    received: int
    sent: int
    tuples: int
    useless: int
    own: int
    refused: int
    unused: int
    malformed: int


@dataclass(frozen=True)
class Gossip:
    """How the gossip of a node is."""

    listening: list[str]
    clients: int
    hubs: list[Hub]
    tuples: int
    stats: GossipStats


@dataclass(frozen=True)
class Offer:
    """A file that a peer has for this node."""

    id: int
    peer: UUID
    name: str
    size: Optional[int]
    modified: Optional[float]
    """Seconds since 1970, as of `os.stat`."""
    state: OfferState


@dataclass(frozen=True)
class OmittedFiles:
    """How many files are not published for one reason."""

    reason: str
    count: int
    """0 when there are none any more."""
    example: str
    """The name of one of them."""


@dataclass(frozen=True)
class ProtocolStats:
    """What was counted about messages and peers."""

    sent: int
    received: int
    hellos_sent: int
    hellos_received: int
    pings_sent: int
    dials: int
    dials_failed: int
    two_way: int
    own: int
    other_security: int
    key_conflicts: int
    candidates_refused: int
    foreign: int
    malformed: int
    before_hello: int
    intruding: int
    spares_refused: int
    unused: int
    leaders_disputed: int
    not_member: int
    overflows: int


@dataclass(frozen=True)
class NetworkStats:
    """What was counted on the sockets of a node."""

    beacons: int
    strangers: int
    beacons_unsent: int
    connections: int
    connections_foreign: int
    connections_broken: int
    connections_idle: int
    handshakes_failed: int


@dataclass(frozen=True)
class LogStats:
    """What was counted about the log of a node."""

    recorded: int
    dropped: int
    collectors: int


@dataclass(frozen=True)
class Stats:
    """What a node has counted since its start."""

    protocol: ProtocolStats
    network: NetworkStats
    log: LogStats


@dataclass(frozen=True)
class Limits:
    """How much a node takes, from the network and from its application. `None` is the default of the
    library, which depends on how many files the process may open."""

    peers: Optional[int] = None
    """Peers at a time. Default 1,024, or less where descriptors are few."""
    required: Optional[int] = None
    """Peers and endpoints that may be required. Default 256."""
    message_bytes: Optional[int] = None
    """Bytes of one message. Default 64 MiB."""
    message_frames: Optional[int] = None
    """Frames of one message. Default 4,096."""
    hello_entries: Optional[int] = None
    """Groups and headers together of one node. Default 4,096."""
    hello_bytes: Optional[int] = None
    """Bytes of these. Default 1 MiB."""
    link_messages: Optional[int] = None
    """Messages that may wait for one peer until `Node.whisper` raises `Full`. Default 1,000."""
    link_bytes: Optional[int] = None
    """The same in bytes. Default 16 MiB."""
    stall_timeout: Optional[float] = None
    """Seconds until a shout ends a member for which more than that waits. Default 5."""
    events: Optional[int] = None
    """Events that may wait for the application until nothing is read from peers. Default 10,000."""
    event_bytes: Optional[int] = None
    """The same in bytes. Default 64 MiB."""
    peer_connections: Optional[int] = None
    """Connections to and from peers. Default 2,048, or less where descriptors are few."""
    strangers: Optional[int] = None
    """Connections on which no peer is heard yet. Default 512, or less."""
    handshakes: Optional[int] = None
    """Connections whose handshake is not done. Default 256, or less."""
    gossip_clients: Optional[int] = None
    """Clients of this node as a gossip hub. Default 256, or less."""
    connect_time: Optional[float] = None
    """Seconds that TCP may take to connect. Default 10."""
    handshake_time: Optional[float] = None
    """Seconds that a handshake may take. Default 20."""


@dataclass(frozen=True)
class ReceivedLimits:
    """What the received folder may hold. `None` is the default of the library."""

    bytes: Optional[int] = None
    """Bytes of all peers together. Default 16 GiB."""
    files: Optional[int] = None
    """Files of all peers together. Default 1,000,000."""
    bytes_per_server: Optional[int] = None
    """Bytes of one peer. Default: no limit of its own."""
    files_per_server: Optional[int] = None
    """Files of one peer. Default: no limit of its own."""
    durable: Optional[bool] = None
    """Whether a file is synced to the disk before it appears. Default `True`."""
    hidden: Optional[bool] = None
    """Whether files are taken whose names begin with a dot. Default `False`."""
