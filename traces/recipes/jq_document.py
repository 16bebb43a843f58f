"""Writes the document of jq.sh to stdout: so many orders. The same one every time.

usage: jq_document.py ORDERS
"""

import json
import random
import sys

RANDOM = random.Random(20261123)
WORDS = "amber basket candle drawer engine feather garden hammer island jacket kettle".split()


def words(count):
    return " ".join(RANDOM.choices(WORDS, k=count))


def item():
    return {"title": words(3), "price": RANDOM.randrange(10000) / 100,
            "pieces": RANDOM.randrange(1, 6), "tags": RANDOM.sample(WORDS, RANDOM.randrange(5))}


def order(number):
    name = words(2)
    return {"id": number, "time": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T12:00:00Z",
            "customer": {"name": name, "mail": name.replace(" ", ".") + "@example.org",
                         "notes": [words(8) for _ in range(RANDOM.randrange(4))]},
            "items": [item() for _ in range(RANDOM.randrange(1, 7))], "paid": number % 7 != 0}


json.dump({"orders": [order(number) for number in range(int(sys.argv[1]))]}, sys.stdout)
