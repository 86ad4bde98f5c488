#!/usr/bin/env python3
"""One clipboard for all your machines: what is copied on one can be pasted on the others.

    python clipboard.py new             prints twelve words, once
    python clipboard.py WORD WORD ...   on each machine, with the twelve words

Only those who have the words can read it. Needs tkinter, which comes with most Pythons.
"""

import sys

import zyre

# How often the clipboard is looked at, in milliseconds.
INTERVAL = 300
# More than that is not sent.
MOST = 1_000_000


class Clipboard:
    """The clipboard of this machine, by way of tkinter."""

    def __init__(self):
        import tkinter

        self.window = tkinter.Tk()
        self.window.withdraw()
        self.error = tkinter.TclError

    def get(self):
        try:
            return self.window.clipboard_get()
        except self.error:
            # It is empty, or has a picture.
            return None

    def set(self, text):
        self.window.clipboard_clear()
        self.window.clipboard_append(text)

    def every(self, milliseconds, work):
        def again():
            work()
            self.window.after(milliseconds, again)

        again()
        self.window.mainloop()


class Sharing:
    """Tells others what is copied here, and copies what they tell."""

    def __init__(self, node, clipboard):
        self.node, self.clipboard = node, clipboard
        self.known = clipboard.get()

    def look(self):
        while (event := self.node.try_recv()) is not None:
            if isinstance(event, zyre.Shout):
                self.known = event.text
                self.clipboard.set(event.text)
                print(f"{event.name} has copied {len(event.text)} characters", flush=True)
        copied = self.clipboard.get()
        if copied is not None and copied != self.known and len(copied) <= MOST:
            self.known = copied
            self.node.shout("clipboard", copied)


def main():
    if sys.argv[1:] == ["new"]:
        print(zyre.NetworkKey.generate().words)
        return
    trust = zyre.Trust.network(zyre.NetworkKey(" ".join(sys.argv[1:])))
    with zyre.Node(identity=zyre.Identity.create(), trust=trust, groups=["clipboard"]) as node:
        clipboard = Clipboard()
        clipboard.every(INTERVAL, Sharing(node, clipboard).look)


if __name__ == "__main__":
    main()
