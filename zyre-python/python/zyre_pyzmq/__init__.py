"""The module that programs which descend from pyre's chat example import before pyre:

    try:
        from zyre_pyzmq import Zyre as Pyre
    except Exception as e:
        from pyre import Pyre

So they run on this library once it is installed, with nothing changed.
"""

from __future__ import annotations

from zyre.pyre import Pyre, PyreEvent, zhelper

Zyre = Pyre
ZyreEvent = PyreEvent

__all__ = ["Pyre", "PyreEvent", "Zyre", "ZyreEvent", "zhelper"]
