"""Peer-to-peer applications on a local network: start a node and, with no configuration and no server, it
finds all others, hears who comes and goes, and sends to one peer or to a group.

    import zyre

    with zyre.Node("alice", groups=["chat"]) as node:
        for event in node:
            match event:
                case zyre.Join(name=name, group="chat"):
                    node.shout("chat", f"Welcome, {name}!")
                case zyre.Shout(name=name, text=text):
                    print(f"{name}: {text}")

`zyre.pyre` has the API of pyre, for programs that were written for that.
"""

from __future__ import annotations

import atexit as _atexit
import os as _os

from . import _zyre
from ._choices import (
    ExitReason,
    Fate,
    LinkKind,
    Liveness,
    OfferState,
    UnreachableReason,
    UnusedReason,
)
from ._errors import (
    Error,
    ForkedError,
    Full,
    GossipError,
    KeyFileError,
    OfferError,
    RefusedError,
    ShareError,
    StartError,
    StateError,
    Stopped,
    UnknownPeer,
)
from ._node import Content, Node, PeerId
from ._records import (
    Connection,
    Gossip,
    GossipStats,
    Hub,
    Interface,
    Limits,
    LogStats,
    NetworkStats,
    Offer,
    OmittedFiles,
    PeerInfo,
    ProtocolStats,
    ReceivedLimits,
    Requirement,
    Room,
    Stats,
)
from ._zyre import (
    BEACON_PORT,
    NETWORK_BEACON_PORT,
    Confirmed,
    Declined,
    Deliver,
    EndpointUnreachable,
    Enter,
    Evasive,
    Event,
    Exit,
    FileServerReached,
    FileServerUnreachable,
    FolderUnusable,
    FolderUsable,
    HubReached,
    HubUnreachable,
    Identity,
    IdInUse,
    Join,
    KeyChanged,
    Leader,
    Leave,
    Moved,
    NetworkKey,
    Offered,
    Omitted,
    PublicKey,
    Published,
    Receiving,
    Refused,
    Rejected,
    Retract,
    Retried,
    Returned,
    Sending,
    Sent,
    Shout,
    Silent,
    State,
    Stop,
    Stranger,
    Trust,
    TrustFileUnusable,
    Unreachable,
    Whisper,
    Withdrawn,
)

__version__: str = _zyre.VERSION

__all__ = [
    "BEACON_PORT",
    "Confirmed",
    "Connection",
    "Content",
    "Declined",
    "Deliver",
    "EndpointUnreachable",
    "Enter",
    "Error",
    "Evasive",
    "Event",
    "Exit",
    "ExitReason",
    "Fate",
    "FileServerReached",
    "FileServerUnreachable",
    "FolderUnusable",
    "FolderUsable",
    "ForkedError",
    "Full",
    "Gossip",
    "GossipError",
    "GossipStats",
    "Hub",
    "HubReached",
    "HubUnreachable",
    "IdInUse",
    "Identity",
    "Interface",
    "Join",
    "KeyChanged",
    "KeyFileError",
    "Leader",
    "Leave",
    "Limits",
    "LinkKind",
    "Liveness",
    "LogStats",
    "Moved",
    "NETWORK_BEACON_PORT",
    "NetworkKey",
    "NetworkStats",
    "Node",
    "Offer",
    "OfferError",
    "OfferState",
    "Offered",
    "Omitted",
    "OmittedFiles",
    "PeerId",
    "PeerInfo",
    "ProtocolStats",
    "PublicKey",
    "Published",
    "ReceivedLimits",
    "Receiving",
    "Refused",
    "RefusedError",
    "Rejected",
    "Requirement",
    "Retract",
    "Retried",
    "Returned",
    "Room",
    "Sending",
    "Sent",
    "ShareError",
    "Shout",
    "Silent",
    "StartError",
    "State",
    "StateError",
    "Stats",
    "Stop",
    "Stopped",
    "Stranger",
    "Trust",
    "TrustFileUnusable",
    "UnknownPeer",
    "Unreachable",
    "UnreachableReason",
    "UnusedReason",
    "Whisper",
    "Withdrawn",
]

# Nodes say goodbye, and threads that wait come back, before the interpreter ends.
_atexit.register(_zyre._stop_all)
# The child of a fork has no thread that runs a node.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_zyre._forked)
