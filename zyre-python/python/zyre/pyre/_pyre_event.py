"""Events, as pyre names their parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Optional
from uuid import UUID

if TYPE_CHECKING:
    from ._pyre import Pyre


class PyreEvent:
    """The next message that a node receives, taken apart; waits for it."""

    type: str
    """`ENTER`, `EXIT`, `JOIN`, `LEAVE`, `WHISPER`, `SHOUT` or `STOP`."""
    peer_uuid_bytes: bytes
    peer_name: str
    headers: Optional[dict[str, str]]
    """What the peer says about itself, of `ENTER`."""
    peer_addr: Optional[str]
    """Its endpoint, of `ENTER`."""
    group: Optional[str]
    """The group, of `JOIN`, `LEAVE` and `SHOUT`."""
    msg: Optional[list[bytes]]
    """The frames, of `WHISPER` and `SHOUT`."""

    def __init__(self, node: Pyre) -> None:
        kind, self.peer_uuid_bytes, name, *rest = node.recv()
        self.type = kind.decode()
        self.peer_name = name.decode()
        self.headers = self.peer_addr = self.group = self.msg = None
        if self.type == "ENTER":
            self.headers = json.loads(rest[0])
            self.peer_addr = rest[1].decode()
        elif self.type == "WHISPER":
            self.msg = rest
        elif self.type in ("SHOUT", "JOIN", "LEAVE"):
            self.group = rest[0].decode()
            if self.type == "SHOUT":
                self.msg = rest[1:]

    def header(self, name: str) -> Optional[str]:
        """Returns a header of the peer, of `ENTER`; `None` if there is none."""
        return (self.headers or {}).get(name)

    @property
    def peer_uuid(self) -> UUID:
        """The id of the peer."""
        return UUID(bytes=self.peer_uuid_bytes)

    def __str__(self) -> str:
        return f"<PyreEvent {self.type} from {self.peer_uuid.hex}>"
