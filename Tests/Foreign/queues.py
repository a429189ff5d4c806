# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

"""The other end of raw queues: Python programs that know nothing of Naru, with the packages posix-ipc and sysv-ipc.

    queues.py NARU      NARU is the command
"""

import os
import subprocess
import sys

import posix_ipc
import sysv_ipc

naru = sys.argv[1]


def run(*arguments, data=b""):
    result = subprocess.run([naru, *arguments], input=data, stdout=subprocess.PIPE, timeout=60)
    assert result.returncode == 0, f"naru {' '.join(arguments)} ended with {result.returncode}"
    return result.stdout


def posix():
    name = f"/naru-foreign-{os.getpid()}"
    queue = posix_ipc.MessageQueue(name, posix_ipc.O_CREX, max_messages=8, max_message_size=256)
    try:
        run("send", f"posix-queue:{name}", "--raw", "--lines", data=b"one\ntwo\n")
        run("send", f"posix-queue:{name}", "--raw", "--lines", "--priority", "7", data=b"urgent\n")
        assert [queue.receive(1) for _ in range(3)] == [(b"urgent", 7), (b"one", 0), (b"two", 0)]
        queue.send(b"low", priority=1)
        queue.send(b"high", priority=2)
        assert run("receive", f"posix-queue:{name}", "--raw", "--lines", "--count", "2") == b"high\nlow\n"
    finally:
        queue.close()
        queue.unlink()


def sysv():
    queue = sysv_ipc.MessageQueue(None, sysv_ipc.IPC_CREX, max_message_size=4096)
    address = f"sysv-queue:{queue.key}"
    try:
        run("send", address, "--raw", "--lines", data=b"one\n")
        run("send", address, "--raw", "--lines", "--type", "42", data=b"typed\n")
        assert queue.receive(type=42) == (b"typed", 42)
        assert queue.receive() == (b"one", 1)
        for kind, text in [(3, b"three"), (2, b"two"), (9, b"nine")]:
            queue.send(text, type=kind)
        assert run("receive", address, "--raw", "--lines", "--type", "2", "--count", "1") == b"two\n"
        assert run("receive", address, "--raw", "--lines", "--up-to-type", "5", "--count", "1") == b"three\n"
        assert run("receive", address, "--raw", "--lines", "--count", "1") == b"nine\n"
    finally:
        queue.remove()


posix()
sysv()
print("queues: the command and Python's posix-ipc and sysv-ipc understand each other")
