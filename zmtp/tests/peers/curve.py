"""A socket of libzmq with CURVE behind a line protocol.

    curve.py KIND (bind|connect) ENDPOINT PUBLIC SECRET [SERVER]

KIND is dealer, router, pub, sub or xpub; the keys are in Z85. Without the key of a SERVER it is one
itself. With bind the first line that it says is `at ENDPOINT`. Commands come on the standard input,
one a line, and each is answered with `ok` when it is done: `subscribe HEX`, `unsubscribe HEX`,
`send HEX HEX...`, one for each frame. What comes in is said as `got`, frame by frame in hex.

It sends a PING every 100 ms, and ends a connection on which no PONG has come for a second.
"""

import sys
import threading

import zmq

kind, how, endpoint, public, secret = sys.argv[1:6]
socket = zmq.Context().socket(getattr(zmq, kind.upper()))
socket.linger = 0
socket.curve_publickey = public.encode()
socket.curve_secretkey = secret.encode()
if len(sys.argv) > 6:
    socket.curve_serverkey = sys.argv[6].encode()
else:
    socket.curve_server = True
if kind == "dealer":
    socket.routing_id = b"libzmq"
socket.heartbeat_ivl = 100
socket.heartbeat_timeout = 1000


def say(*words):
    print(*words, flush=True)


def hex_or_dash(frame):
    return frame.hex() or "-"


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
        say("got", *(hex_or_dash(frame) for frame in socket.recv_multipart()))
    if commands in ready:
        words = commands.recv_string().split()
        if words == ["end"]:
            break
        arguments = [b"" if word == "-" else bytes.fromhex(word) for word in words[1:]]
        if words[0] == "send":
            socket.send_multipart(arguments)
        else:
            option = zmq.SUBSCRIBE if words[0] == "subscribe" else zmq.UNSUBSCRIBE
            socket.setsockopt(option, *(arguments or [b""]))
        say("ok")
