"""Sends what rsyslog.sh records to a socket: three clients, a fixed number of messages of several
kinds. The same messages every time; how they interleave is the machine's affair.

usage: rsyslog_client.py SOCKET
"""

import json
import random
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CLIENTS, MESSAGES = 3, 16000
WORDS = "accepted closed error kernel link packet session started stopped timeout user".split()


def connected(path):
    for _ in range(600):
        try:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.connect(path)
            return client
        except OSError:
            client.close()
            time.sleep(0.1)
    sys.exit(f"{path}: nobody listens")


def message(chance, number):
    priority = 8 * chance.randrange(16, 20) + chance.randrange(8)
    head = f"<{priority}>1 2026-11-23T12:00:00.{number % 1000:03}Z"
    if number % 4 == 0:
        body = {"user": f"u{chance.randrange(900)}@example.org", "amount": chance.randrange(1000),
                "items": [chance.choice(WORDS) for _ in range(chance.randrange(5))]}
        return f"{head} host{number % 7} shop {number} - - @cee: {json.dumps(body)}\n"
    text = " ".join(chance.choices(WORDS, k=chance.randrange(3, 60)))
    return f"{head} host{number % 7} {chance.choice(WORDS)}d {number} - - {text}\n"


def send(seed):
    chance = random.Random(seed)
    with connected(sys.argv[1]) as client:
        for number in range(MESSAGES):
            client.sendall(message(chance, number).encode())


with ThreadPoolExecutor(CLIENTS) as pool:
    list(pool.map(send, range(CLIENTS)))  # raises here what ended a client
