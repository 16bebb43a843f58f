"""Makes the site that nginx.sh serves: texts, and pages that include some of them. The same one
every time.

usage: nginx_site.py FOLDER
"""

import pathlib
import random
import sys

RANDOM = random.Random(20261123)
WORDS = "amber basket candle drawer engine feather garden hammer island jacket kettle".split()
TEXTS, PAGES = 200, 8

site = pathlib.Path(sys.argv[1])
for folder in ("text", "page"):
    (site / folder).mkdir(parents=True)
for number in range(TEXTS):
    words = RANDOM.choices(WORDS, k=RANDOM.randrange(50, 3000))
    (site / f"text/{number}.txt").write_text(" ".join(words) + "\n")
for number in range(PAGES):
    parts = [f'<h2>Part {part}</h2>\n<!--#set var="part" value="{part}" -->'
             f'<!--#if expr="$part = /[02468]$/" --><p>even</p><!--#endif -->'
             f'<!--#include virtual="/text/{RANDOM.randrange(TEXTS)}.txt" -->'
             f'<p><!--#echo var="DATE_LOCAL" --> <!--#echo var="part" default="none" --></p>'
             for part in range(RANDOM.randrange(4, 12))]
    (site / f"page/{number}.html").write_text("<html><body>\n" + "\n".join(parts) + "</html>\n")
