#!/usr/bin/env python3
"""Between a client and a server of the i-PI protocol: passes all bytes on and writes them down.

usage: relay.py LISTEN CONNECT OUT      unix socket paths that clients connect to and a server listens at

OUT gets one line for each turn of the conversation: "S" (from the server) or "C" (from the client), then bytes in hexadecimal.
"""
import os, select, socket, sys, time

listen, connect, out = sys.argv[1:4]
front = socket.socket(socket.AF_UNIX)
if os.path.exists(listen):
    os.unlink(listen)
front.bind(listen)
front.listen(1)
client, _ = front.accept()
server = socket.socket(socket.AF_UNIX)
for _ in range(6000):
    try:
        server.connect(connect)
        break
    except OSError:
        time.sleep(0.01)
turns = []
names = {client: "C", server: "S"}
while names:
    for source in select.select(list(names), [], [])[0]:
        data = source.recv(1 << 16)
        other = server if source is client else client
        if not data:
            del names[source]
            try:
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            continue
        if turns and turns[-1][0] == names[source]:
            turns[-1][1] += data
        else:
            turns.append([names[source], bytearray(data)])
        try:
            other.sendall(data)
        except OSError:
            pass
with open(out, "w") as file:
    for side, data in turns:
        file.write(f"{side} {data.hex()}\n")
os.unlink(listen)
