"""A PUB or SUB socket of libzmq behind a line protocol.

    pubsub.py KIND (bind|connect) ENDPOINT

KIND is pub, sub, xpub or xsub. With bind the first line that it says is `at ENDPOINT`. Commands come
on the standard input, one a line, arguments in hex, and each is answered with `ok` when it is done:
`subscribe`, `unsubscribe`, `send`. What comes in is said as `got`, frame by frame in hex.
"""

import sys
import threading

import zmq

kind, how, endpoint = sys.argv[1:4]
socket = zmq.Context().socket(getattr(zmq, kind.upper()))
socket.linger = 0


def say(*words):
    print(*words, flush=True)


say("version", zmq.zmq_version())
if how == "bind":
    socket.bind(endpoint)
    say("at", socket.get_string(zmq.LAST_ENDPOINT))
else:
    socket.connect(endpoint)

commands = zmq.Context.instance().socket(zmq.PAIR)
commands.bind("inproc://commands")


def read():
    own = zmq.Context.instance().socket(zmq.PAIR)
    own.connect("inproc://commands")
    for line in sys.stdin:
        own.send_string(line)
    own.send_string("end")


threading.Thread(target=read, daemon=True).start()
poller = zmq.Poller()
poller.register(commands, zmq.POLLIN)
if kind != "pub":
    poller.register(socket, zmq.POLLIN)
while True:
    ready = dict(poller.poll())
    if socket in ready:
        say("got", *(frame.hex() for frame in socket.recv_multipart()))
    if commands in ready:
        verb, *words = commands.recv_string().split()
        if verb == "end":
            break
        octets = bytes.fromhex(words[0]) if words else b""
        if verb == "subscribe":
            socket.setsockopt(zmq.SUBSCRIBE, octets)
        elif verb == "unsubscribe":
            socket.setsockopt(zmq.UNSUBSCRIBE, octets)
        else:
            socket.send(octets)
        say("ok")
