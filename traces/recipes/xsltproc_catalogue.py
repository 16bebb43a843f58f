"""Writes the document of xsltproc.sh to stdout: so many books. The same one every time.

usage: xsltproc_catalogue.py BOOKS
"""

import random
import sys

RANDOM = random.Random(20261123)
WORDS = "amber basket candle drawer engine feather garden hammer island jacket kettle".split()


def words(count):
    return " ".join(RANDOM.choices(WORDS, k=count))


print('<?xml version="1.0"?>\n<catalogue xmlns:m="urn:example:meta">')
for number in range(int(sys.argv[1])):
    print(f'  <book id="b{number}" lang="{RANDOM.choice(("en", "de", "fr"))}" '
          f'price="{RANDOM.randrange(100, 9000) / 100}">\n    <title>{words(3).title()}</title>')
    for _ in range(RANDOM.randrange(1, 4)):
        print(f'    <author born="{RANDOM.randrange(1900, 2000)}">{words(2).title()}</author>')
    print(f'    <m:subject>{RANDOM.choice(WORDS)}</m:subject>\n    <!-- {words(4)} -->')
    for _ in range(RANDOM.randrange(5)):
        print(f'    <review stars="{RANDOM.randrange(1, 6)}">{words(RANDOM.randrange(3, 40))} '
              f'<em>{words(1)}</em> &amp; {words(5)}</review>')
    print("  </book>")
print("</catalogue>")
