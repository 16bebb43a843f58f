"""Writes the commands of redis_streams.sh, in Redis's protocol, to stdout. The same every time."""

import random
import sys

RANDOM = random.Random(20261123)
STREAMS, ROUNDS = 12, 3000
WORDS = "accepted closed error kernel link packet session started stopped timeout user".split()


def say(*words):
    parts = [f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in map(str, words)]
    sys.stdout.write("".join(parts))


def text(most):
    return " ".join(RANDOM.choices(WORDS, k=RANDOM.randrange(1, most)))


for stream in range(STREAMS):
    for group in ("billing", "search", "audit"):
        say("XGROUP", "CREATE", f"events:{stream}", group, "0", "MKSTREAM")
count = [0] * STREAMS
for number in range(ROUNDS):
    stream = RANDOM.randrange(STREAMS)
    key = f"events:{stream}"
    for _ in range(RANDOM.randrange(1, 8)):
        count[stream] += 1
        say("XADD", key, f"{count[stream]}-0", "kind", RANDOM.choice(WORDS), "body", text(40),
            "user", f"u{RANDOM.randrange(900)}")
    for group in ("billing", "search", "audit"):
        if RANDOM.random() < 0.6:
            say("XREADGROUP", "GROUP", group, f"worker{RANDOM.randrange(20)}", "COUNT", "10",
                "STREAMS", key, ">")
    if RANDOM.random() < 0.5:
        first = max(1, count[stream] - RANDOM.randrange(40))
        say("XACK", key, "billing", *(f"{one}-0" for one in range(first, count[stream] + 1)))
        say("XAUTOCLAIM", key, "search", "worker0", "0", f"{first}-0", "COUNT", "5")
    if number % 10 == 0:
        say("XTRIM", key, "MAXLEN", RANDOM.choice((300, 600, 1500)))
        say("XPENDING", key, "audit", "-", "+", "20")
    for _ in range(RANDOM.randrange(4)):
        say("PUBLISH", RANDOM.choice(("news", "trades", "nobody")), text(60))
    queue = f"queue:{RANDOM.randrange(30)}"
    say("RPUSH", queue, *(text(20) for _ in range(RANDOM.randrange(1, 12))))
    say(RANDOM.choice(("LPOP", "RPOP")), queue, RANDOM.randrange(1, 10))
    say("LMOVE", queue, f"queue:{RANDOM.randrange(30)}", "LEFT", "RIGHT")
    if number % 500 == 499:
        say("DEL", f"events:{RANDOM.randrange(STREAMS)}:gone", queue)
        say("XGROUP", "DELCONSUMER", key, "audit", f"worker{RANDOM.randrange(20)}")
