"""A load for python3: dictionaries, lists, text and JSON, with a churn of objects between."""
import json
import random
import sys

scale = int(sys.argv[1]) if len(sys.argv) > 1 else 4
random.seed(1)

total = 0
for turn in range(scale):
    people = [{"name": "name%d" % random.randrange(10**6),
               "tags": ["t%d" % i for i in range(turn % 7)],
               "size": random.random(), "parent": None} for _ in range(20000)]
    for person in people:
        person["parent"] = people[random.randrange(len(people))]["name"]
    by_name = {}
    for person in people:
        by_name.setdefault(person["parent"], []).append(person)
    text = json.dumps(people[:8000])
    total += len(json.loads(text)) + len(by_name)
    words = text.replace('"', " ").split()
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    total += len(sorted(counts, key=lambda word: (counts[word], word)))
    kept = [bytearray(random.randrange(16, 3000)) for _ in range(6000)]
    for _ in range(30000):
        kept[random.randrange(len(kept))] = bytearray(random.randrange(16, 3000))
    total += sum(map(len, kept))
print(total)
