"""Enumerations. `str()` of a member is a few words for people."""

from __future__ import annotations

import enum


class _Words(enum.Enum):
    def __str__(self) -> str:
        return str(self.value)


class ExitReason(_Words):
    """Why a peer is gone."""

    GOODBYE = "goodbye"
    """It said goodbye."""
    LINK_LOST = "link lost"
    """Its connection has ended: it crashed, or the network cut it off."""
    EXPIRED = "expired"
    """Nothing was heard from it for `expired_timeout`."""
    RESTARTED = "restarted"
    """It greeted anew; `Enter` follows at once."""
    DISTRUSTED = "distrusted"
    """The application does not trust its key any more."""
    REPLACED = "replaced"
    """Another node has its endpoint."""
    SEQUENCE_GAP = "sequence gap"
    """Messages from it were lost on the way."""
    STATUS_MISMATCH = "status mismatch"
    """Its count of joins and leaves is not ours: messages were lost on the way."""
    OVERFLOW = "overflow"
    """It did not take what was sent to it."""
    REJECTED = "rejected"
    """What it sent broke the protocol or a limit."""
    OTHER = "other"
    """A reason that this version does not know."""


class UnreachableReason(_Words):
    """Why a node that is heard of cannot be met."""

    REFUSED = "refused"
    """Nothing listens there any more, or a firewall rejects."""
    NO_ANSWER = "no answer"
    """A firewall drops what is sent there, or the host is gone."""
    NO_ROUTE = "no route"
    """This host has no way there."""
    ANOTHER_NODE = "another node answers"
    """Another node is at that endpoint, or something else."""
    NO_HELLO = "it does not greet back"
    """Mostly its own connections to this node are blocked."""
    NO_DESCRIPTORS = "no descriptors left"
    """This process may open no more files."""
    NO_NAME = "the name does not resolve"
    """There is no host of that name."""
    OWN_NODE = "it is this node itself"
    """Which need not be minded, if all nodes are given the same list."""
    FAILED = "failed"
    """The operating system refused for another reason."""
    OTHER = "other"
    """A reason that this version does not know."""


class Liveness(_Words):
    """How alive a peer seems."""

    PRESENT = "present"
    """It was heard lately."""
    EVASIVE = "evasive"
    """It was not heard for `evasive_timeout`, and asked."""
    SILENT = "silent"
    """It has not answered."""
    OTHER = "other"
    """One that this version does not know."""


class LinkKind(_Words):
    """How this node and a peer are connected."""

    ONE_EACH_WAY = "one each way"
    """By two connections."""
    DIALLED = "dialled"
    """By one connection, which this node has made."""
    ACCEPTED = "accepted"
    """By one connection, which the peer has made."""
    OTHER = "other"
    """One that this version does not know."""


class UnusedReason(_Words):
    """Why a node does not use an interface."""

    NOT_CHOSEN = "others were asked for"
    EXCEPTED = "it was excepted"
    LOOPBACK = "it is the loopback interface"
    DOWN = "it is down, or without a carrier"
    POINT_TO_POINT = "it leads to one other host"
    NO_ADDRESS = "it has no address of a subnet"
    TOO_MANY = "there are too many"
    OTHER = "other"


class Fate(_Words):
    """Whether what was refused may work later."""

    PASSING = "passing"
    """It may: it is tried again until it works."""
    FINAL = "final"
    """The same would be refused again."""


class OfferState(_Words):
    """What was decided about a file on offer."""

    OPEN = "open"
    """Nothing yet."""
    ACCEPTED = "accepted"
    """It is on its way, or waits for its turn."""
    PAUSED = "paused"
    """Not now."""
