"""The clients of memcached.sh: four at a time connect, ask a little and leave, many times over. The
same requests every time; how they interleave is the machine's affair.

usage: memcached_client.py PORT CERTIFICATE
"""

import random
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CLIENTS, CONNECTIONS, REQUESTS, KEYS = 4, 200, 30, 4000
PORT, CERTIFICATE = int(sys.argv[1]), sys.argv[2]
CONTEXT = ssl.create_default_context(cafile=CERTIFICATE)
CONTEXT.check_hostname = False
ANSWER_ENDS = (b"STORED\r\n", b"END\r\n", b"DELETED\r\n", b"NOT_FOUND\r\n", b"TOUCHED\r\n", b"RESET\r\n")
hits = [0] * CLIENTS


def connected():
    for _ in range(600):
        try:
            return CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", PORT)))
        except OSError:
            time.sleep(0.1)
    sys.exit(f"port {PORT}: nobody listens")


def ask(connection, request):
    connection.sendall(request)
    answer = bytearray()
    while not answer.endswith(ANSWER_ENDS):
        part = connection.recv(65536)
        if not part:
            sys.exit(f"the server hung up after {bytes(answer[:80])!r}")
        answer += part
    return answer


def request(chance):
    def key():
        return f"{chance.choice(('page', 'user', 'basket'))}:{chance.randrange(KEYS)}"

    kind = chance.random()
    if kind < 0.35:
        size = chance.choice((20, 200, 200, 1500, 9000))
        value = "v" * chance.randrange(size)
        return f"set {key()} 0 {chance.choice((0, 60))} {len(value)}\r\n{value}\r\n"
    if kind < 0.75:
        return f"get {' '.join(key() for _ in range(chance.choice((1, 1, 5, 40))))}\r\n"
    if kind < 0.85:
        return f"delete {key()}\r\n"
    if kind < 0.95:
        return f"touch {key()} 90\r\n"
    return chance.choice(("stats\r\n", "stats items\r\n", "stats slabs\r\n", "stats conns\r\n"))


def client(number):
    chance = random.Random(20261123 + number)
    for _ in range(CONNECTIONS):
        with connected() as connection:
            for _ in range(chance.randrange(1, REQUESTS)):
                hits[number] += ask(connection, request(chance).encode()).count(b"VALUE ")


with ThreadPoolExecutor(CLIENTS) as pool:
    list(pool.map(client, range(CLIENTS)))  # raises here what ended a client
print(f"{sum(hits)} hits")
