"""Writes the commands of redis_refill.sh, in Redis's protocol, to stdout. The same every time."""

import random
import sys

RANDOM = random.Random(20261123)
FIRST, AGAIN = 110000, 14000


def say(*words):
    parts = [f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in map(str, words)]
    sys.stdout.write("".join(parts))


def fill(generation, keys, least, most):
    for number in range(keys):
        size = RANDOM.randrange(least, most)
        if number % 16 == 0:
            for field in range(4):
                say("HSET", f"h{generation}:{number}", f"field{field}", "v" * (size // 4))
        else:
            say("SET", f"s{generation}:{number}", "v" * size)


def delete_most(generation, keys):
    for number in RANDOM.sample(range(keys), keys * 9 // 10):
        say("DEL", f"{'h' if number % 16 == 0 else 's'}{generation}:{number}")


fill(0, FIRST, 16, 120)
delete_most(0, FIRST)
fill(1, AGAIN, 200, 900)
delete_most(1, AGAIN)
fill(2, AGAIN // 2, 600, 3000)
for round_number in range(3):
    for number in RANDOM.sample(range(AGAIN // 2), AGAIN // 4):
        say("APPEND", f"s2:{number}", "w" * RANDOM.randrange(400))
