"""Why something is not done. The messages are those of the library."""

from __future__ import annotations


class Error(Exception):
    """Something that a node, a key file or a state could not do."""


class StartError(Error):
    """A node could not be started; nothing is left running."""


class RefusedError(Error):
    """The node has refused an action; nothing was changed, and nothing was sent."""


class UnknownPeer(RefusedError):
    """There is no such peer; perhaps it has left already."""


class Full(RefusedError):
    """So much waits for the peer that it can take no more now: wait with `Node.ready`."""


class Stopped(RefusedError):
    """The node has stopped."""


class ShareError(Error):
    """A file was not published, or not taken back; nothing has changed."""


class OfferError(Error):
    """What was wanted of a file on offer was not done."""


class GossipError(Error):
    """The node does not listen or connect for gossip; nothing has changed."""


class KeyFileError(Error):
    """A file with keys cannot be used."""


class StateError(Error):
    """The state of a node cannot be opened or written."""


class ForkedError(Error, RuntimeError):
    """The node belongs to the process that this one was forked from."""
