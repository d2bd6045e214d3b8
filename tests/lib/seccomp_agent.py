#!/usr/bin/env python3
"""seccomp_agent.py SOCKET STATE: listens, writes the state that comes with a listener to the file STATE, answers each call with ENOTUNIQ (76)."""
import array
import fcntl
import json
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(1)
connection, _ = server.accept()
data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
fds = array.array("i")
fds.frombytes(control[0][2][:4])
while chunk := connection.recv(65536):
    data += chunk
json.loads(data)
with open(sys.argv[2], "wb") as f:
    f.write(data)
while True:
    request = bytearray(80)
    try:
        fcntl.ioctl(fds[0], RECV, request)
    except OSError:
        break
    answer = struct.pack("=QqiI", struct.unpack_from("=Q", request)[0], 0, -76, 0)
    try:
        fcntl.ioctl(fds[0], SEND, answer)
    except OSError:
        pass
