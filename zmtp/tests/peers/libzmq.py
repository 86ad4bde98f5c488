"""A socket of libzmq behind a line protocol.

    libzmq.py KIND (bind|connect) ENDPOINT [PUBLIC SECRET [SERVER]]

KIND is dealer, router, pub, sub, xpub or xsub. With bind the first line that it says is `at ENDPOINT`.
Commands come on the standard input, one a line, and each is answered with `ok` when it is done:
`subscribe HEX`, `unsubscribe HEX`, `send HEX HEX...`, one for each frame, and `-` for an empty one. What
comes in is said as `got`, frame by frame in the same way.

With keys, which are in Z85, it speaks CURVE: as a server without the key of one. Then it also sends a PING
every 100 ms, and ends a connection on which no PONG has come for a second.
"""

import sys
import threading

import zmq

kind, how, endpoint, *keys = sys.argv[1:]
socket = zmq.Context().socket(getattr(zmq, kind.upper()))
socket.linger = 0
if kind == "dealer":
    socket.routing_id = b"libzmq"
if keys:
    public, secret, *server = keys
    socket.curve_publickey = public.encode()
    socket.curve_secretkey = secret.encode()
    if server:
        socket.curve_serverkey = server[0].encode()
    else:
        socket.curve_server = True
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
