"""Writes a repository for git fast-import to stdout: a tree of source-like files under years of
commits by a few people, with branches, merges, renames and deletions. The same one every time.

usage: git_history.py COMMITS FILES
"""

import random
import sys

RANDOM = random.Random(20261123)
PEOPLE = ["Ada <ada@example.org>", "Bo <bo@example.org>", "Cy <cy@example.org>"]
WORDS = "allocate buffer check delete event field graph handle index join key list map node".split()


def line():
    indent = " " * RANDOM.choice((0, 2, 4))
    return f"{indent}{RANDOM.choice(WORDS)}_{RANDOM.randrange(300)}({RANDOM.choice(WORDS)});"


def put(data):
    data = data.encode()
    sys.stdout.buffer.write(b"data %d\n" % len(data) + data + b"\n")


def say(text):
    sys.stdout.buffer.write(text.encode() + b"\n")


def edit(lines):
    """A few hunks, as a person would change a file."""
    for _ in range(RANDOM.choice((1, 1, 2, 4))):
        at = RANDOM.randrange(len(lines))
        lines[at : at + RANDOM.randrange(6)] = [line() for _ in range(RANDOM.randrange(8))]
    if len(lines) < 10:
        lines += [line() for _ in range(20)]


def commit(mark, branch, parents, message):
    say(f"commit refs/heads/{branch}\nmark :{mark}")
    say(f"committer {RANDOM.choice(PEOPLE)} {1600000000 + mark * 5000} +0000")
    put(message)
    for word, parent in zip(("from", "merge"), parents):
        say(f"{word} :{parent}")


def write_file(path, lines):
    say(f"M 100644 inline {path}")
    put("\n".join(lines) + "\n")


def main(commits, count):
    files = {}
    for number in range(count):
        path = f"{RANDOM.choice(WORDS)}/{RANDOM.choice(WORDS)}_{number}.c"
        files[path] = [line() for _ in range(RANDOM.randrange(20, 300))]
    commit(1, "main", [], "Begin\n")
    for path, lines in files.items():
        write_file(path, lines)
    main_tip, side_tip, side_path = 1, None, None
    for mark in range(2, commits + 1):
        message = " ".join(RANDOM.choices(WORDS, k=6)).capitalize() + "\n\n" + line() + "\n"
        if side_tip is None and mark % 20 == 0:
            side_path = RANDOM.choice(sorted(files))
            commit(mark, f"side{mark}", [main_tip], message)
            edit(files[side_path])
            write_file(side_path, files[side_path])
            side_tip = mark
            continue
        merging = side_tip is not None and mark % 20 == 10
        commit(mark, "main", [main_tip, side_tip] if merging else [main_tip], message)
        if merging:
            write_file(side_path, files[side_path])
            side_tip = None
        for path in RANDOM.sample(sorted(set(files) - {side_path}), RANDOM.choice((1, 2, 3, 5))):
            edit(files[path])
            if mark % 13 == 0:
                say(f"R {path} {path[:-2]}x.c")
                files[path[:-2] + "x.c"] = files.pop(path)
                path = path[:-2] + "x.c"
            write_file(path, files[path])
        main_tip = mark
    say("done")


main(int(sys.argv[1]), int(sys.argv[2]))
