"""The API of pyre, on nodes of this library: for programs that were written for pyre.

Change `from pyre import Pyre` to `from zyre.pyre import Pyre`, or change nothing and run the program by
`python -m zyre.pyre program.py`. Needs pyzmq: `pip install zyre[pyre]`.

What a node receives comes as multipart messages from `Pyre.socket()`, a PAIR socket of pyzmq:

    ENTER    id  name  headers as JSON  endpoint
    EXIT     id  name
    JOIN     id  name  group
    LEAVE    id  name  group
    WHISPER  id  name  frames ...
    SHOUT    id  name  group  frames ...
    STOP     own id  own name
"""

from __future__ import annotations

import sys

try:
    import zmq as _zmq  # noqa: F401
except ImportError as _error:
    raise ImportError("zyre.pyre needs pyzmq: pip install 'zyre[pyre]'") from _error

from . import zhelper
from ._pyre import Pyre
from ._pyre_event import PyreEvent

__version__ = "0.3.4"
"""The version of pyre whose API this is: programs compare it."""
__version_info__ = (0, 3, 4)

__all__ = ["Pyre", "PyreEvent", "__version__", "__version_info__", "install", "zhelper"]


def install() -> None:
    """Lets `import pyre` import this module, in this process, from now on."""
    here = sys.modules[__name__]
    sys.modules["pyre"] = here
    sys.modules["pyre.zhelper"] = zhelper
    sys.modules["pyre.pyre"] = sys.modules[f"{__name__}._pyre"]
    sys.modules["pyre.pyre_event"] = sys.modules[f"{__name__}._pyre_event"]
