"""Makes the tree that fdfind.sh searches: projects of nested folders, 60,000 small files, some
folders with ignore files. The same one every time.

usage: fdfind_tree.py FOLDER
"""

import os
import random
import sys

RANDOM = random.Random(20261123)
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()
FILES, PER_FOLDER = 60000, 25


def name():
    return "-".join(RANDOM.choices(WORDS, k=RANDOM.randrange(1, 5)))


folders = [sys.argv[1]]
os.mkdir(folders[0])
for number in range(FILES // PER_FOLDER):
    folder = os.path.join(RANDOM.choice(folders[-200:]), f"{name()}_{number}")
    os.mkdir(folder)
    if folder.count("/") < 12:
        folders.append(folder)
    for file in range(PER_FOLDER):
        path = os.path.join(folder, f"{name()}{file}." + RANDOM.choice(("txt", "txt", "c")))
        with open(path, "w"):
            pass
    if number % 40 == 0:
        with open(os.path.join(folder, ".ignore"), "w") as ignore:
            ignore.write("\n".join(f"{name()}*" for _ in range(20)) + "\n*.tmp\n!keep*.tmp\n")
