"""The commands that check, cut, join and compare traces, and pipes, as a user runs them."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BIN = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"]) / "bin"
GOLDEN = SOURCE / "tests/golden/v1.trace"
EVENTS = (SOURCE / "tests/golden/v1.events").read_text().splitlines()


def run(*args, stdin=None):
    return subprocess.run([BIN / "allocreplay", *map(str, args)], capture_output=True, input=stdin,
                          timeout=60, check=False)


def rows(path):
    """Of each event: time, thread, op, object, size, alignment."""
    done = run("inspect", path, "-e", ":")
    assert done.returncode == 0, done.stderr
    return [line.split("\t")[1:] for line in done.stdout.decode().splitlines()[1:]]


def lives(events):
    """What happens to each object, without its number."""
    found = {}
    for time, _, op, name, size, align in events:
        found.setdefault(name, []).append((time, op, size, align))
    return sorted(found.values())


class Toolbox(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.golden = [line.split("\t")[1:] for line in EVENTS[1:]]

    def rewrite(self, *args):
        out = self.folder / "out.trace"
        done = run(*args, "-o", out, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        valid = run("validate", out)
        self.assertEqual((valid.returncode, valid.stderr), (0, b""))
        report = json.loads(done.stdout)
        self.assertEqual(report["schema"], "allocreplay-rewrite")
        events = rows(out)
        self.assertEqual(report["events_written"], len(events))
        return events, report

    def provenance(self):
        out = run("inspect", self.folder / "out.trace", "--json").stdout
        return json.loads(out)["provenance"]

    def test_validate(self):
        done = run("validate", GOLDEN, "--json")
        self.assertEqual(done.returncode, 0)
        report = json.loads(done.stdout)
        self.assertEqual((report["schema"], report["valid"], report["valid_events"]),
                         ("allocreplay-validate", True, 500))
        cut = GOLDEN.read_bytes()[:6000]
        done = run("validate", "-", stdin=cut)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"^allocreplay: standard input: at byte .*300 events")
        report = json.loads(run("validate", "-", "--json", stdin=cut).stdout)
        self.assertEqual((report["valid"], report["valid_events"]), (False, 300))
        self.assertIn("at byte", report["problem"])

    def test_validate_of_what_cannot_be_opened_promises_no_events(self):
        done = run("validate", self.folder / "none")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"^allocreplay: [^\n]*/none: cannot open: [^(\n]*\n$")

    def test_a_full_standard_output_is_an_error(self):
        for args in (("validate", GOLDEN), ("validate", GOLDEN, "--json"), ("diff", GOLDEN, GOLDEN),
                     ("list",), ("inspect", GOLDEN), ("convert", GOLDEN, "-", "--to", "text"),
                     ("--help",)):
            with self.subTest(args), open("/dev/full", "wb") as full:
                done = subprocess.run([BIN / "allocreplay", *map(str, args)], stdout=full,
                                      stderr=subprocess.PIPE, timeout=60, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr.decode(),
                                 r"^allocreplay: [^\n]*No space left on device[^\n]*\n$")

    def test_repair(self):
        cut = self.folder / "cut.trace"
        cut.write_bytes(GOLDEN.read_bytes()[:6000])
        out = self.folder / "out.trace"
        done = run("repair", cut, "-o", out)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"at byte 6000", done.stderr)
        self.assertEqual(run("validate", out).returncode, 0)
        self.assertEqual(rows(out), self.golden[:300])
        document = json.loads(run("inspect", out, "--json").stdout)
        self.assertEqual(document["file"]["lost_events"], 3 + 200)
        self.assertEqual(document["provenance"]["history"][0]["command"], "repair")

    def test_slice_with_births_at_its_start(self):
        events, report = self.rewrite("slice", GOLDEN, "-e", "200:350")
        live = {}
        for _, thread, op, name, size, align in self.golden[:200]:
            if op == "free":
                del live[name]
            elif op == "realloc":
                live[name][2] = size
            else:
                live[name] = [thread, op, size, align]
        put_in = report["births_put_in"]
        self.assertEqual(put_in, len(live))
        self.assertEqual([[op, size, align] for _, _, op, _, size, align in events[:put_in]],
                         [life[1:] for life in live.values()])
        self.assertEqual({event[0] for event in events[:put_in]}, {self.golden[200][0]})
        window = [[event[0], event[2], *event[4:]] for event in events[put_in:]]
        self.assertEqual(window, [[e[0], e[2], *e[4:]] for e in self.golden[200:350]])
        self.assertEqual(self.provenance()["history"][0]["events"], "200:350")

    def test_slice_without_older_objects(self):
        events, report = self.rewrite("slice", GOLDEN, "-e", "200:350", "--born-before", "drop")
        born = {e[3] for e in self.golden[200:350] if e[2] in ("malloc", "calloc", "aligned")}
        self.assertEqual(lives(events), lives([e for e in self.golden[200:350] if e[3] in born]))
        self.assertEqual(report["births_put_in"], 0)
        done = run("slice", GOLDEN, "-e", "600:700", "-o", self.folder / "none.trace")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no event in 600:700", done.stderr)
        self.assertFalse((self.folder / "none.trace").exists())

    def test_filter(self):
        births = {e[3]: e for e in self.golden if e[2] in ("malloc", "calloc", "aligned")}
        for args, keeps in ((("--thread", 1), lambda e: e[1] == "1"),
                            (("--thread", 0, "--thread", 2), lambda e: e[1] in "02"),
                            (("--size", "1000:2000"), lambda e: 1000 <= int(e[4]) < 2000)):
            with self.subTest(args):
                events, report = self.rewrite("filter", GOLDEN, *args)
                expected = [e for e in self.golden if keeps(births[e[3]])]
                self.assertEqual(lives(events), lives(expected))
                self.assertGreater(len(events), 0)
                self.assertEqual(report["events_read"], 500)
        self.assertEqual(run("filter", GOLDEN, "-o", self.folder / "x").returncode, 2)

    def test_merge(self):
        small = self.folder / "small.trace"
        self.assertEqual(run("slice", GOLDEN, "-e", ":200", "-o", small).returncode, 0)
        for by in ("time", "order", "wall-clock"):
            with self.subTest(by):
                events, _ = self.rewrite("merge", GOLDEN, small, "--by", by)
                self.assertEqual(len(events), 700)
                threads = len({e[1] for e in self.golden}) + len({e[1] for e in self.golden[:200]})
                self.assertEqual(len({e[1] for e in events}), threads)
                if by == "order":
                    self.assertEqual(events[:500], self.golden)
                else:
                    self.assertEqual(lives(events), sorted(lives(self.golden) +
                                                           lives(self.golden[:200])))
                merged = self.provenance()["merged"]
                self.assertEqual([m["trace"] for m in merged], [str(GOLDEN), str(small)])
        self.assertEqual(run("merge", "-", "-", "-o", self.folder / "x").returncode, 2)

    def test_merge_by_clocks_that_began_apart(self):
        def trace(name, start):
            text, path = self.folder / f"{name}.txt", self.folder / f"{name}.trace"
            text.write_text(f"# allocreplay trace, text form 1\n# start_unix_ns\t{start}\n"
                            "time_ns\tthread\top\tobject\tsize\talign_log2\n"
                            "0\t0\tmalloc\t0\t16\t0\n700\t0\tfree\t0\t0\t0\n")
            self.assertEqual(run("convert", text, path).returncode, 0)
            return path
        late, early = trace("late", 5_000_000_000_500), trace("early", 5_000_000_000_000)
        events, _ = self.rewrite("merge", late, early, "--by", "wall-clock")
        self.assertEqual([(int(event[0]), event[2]) for event in events],
                         [(0, "malloc"), (500, "malloc"), (700, "free"), (1200, "free")])
        events, _ = self.rewrite("merge", late, early, "--by", "time")
        self.assertEqual([int(event[0]) for event in events], [0, 0, 700, 700])
        done = run("merge", trace("unknown", 0), early, "--by", "wall-clock", "-o",
                   self.folder / "none.trace")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"unknown.trace", done.stderr)
        self.assertFalse((self.folder / "none.trace").exists())

    def test_anonymise(self):
        events, _ = self.rewrite("anonymise", GOLDEN)
        self.assertEqual(events, self.golden)
        out = json.loads(run("inspect", self.folder / "out.trace", "--json").stdout)
        self.assertEqual(list(out["provenance"]), ["history"])
        self.assertEqual(out["file"]["start_unix_ns"], 0)
        self.assertNotIn(b"caf", (self.folder / "out.trace").read_bytes())

    def test_diff(self):
        self.assertTrue(json.loads(run("diff", GOLDEN, GOLDEN, "--json").stdout)["same"])
        small = self.folder / "small.trace"
        run("slice", GOLDEN, "-e", ":200", "-o", small)
        document = json.loads(run("diff", GOLDEN, small, "--json").stdout)
        self.assertEqual((document["schema"], document["same"]), ("allocreplay-diff", False))
        self.assertEqual(document["figures"]["events"], {"a": 500, "b": 200, "ratio": 0.4})
        self.assertGreater(document["distances"]["lifetimes_events"], 0)
        text = run("diff", GOLDEN, small).stdout.decode()
        self.assertRegex(text, r"events +500 +200 +0\.4\n")

    def test_pipes(self):
        """A trace through all of them is still that trace, in the ordinary form when saved."""
        stream = GOLDEN.read_bytes()
        for command in (("slice", "-", "-e", "0:"), ("filter", "-", "--size", "0:"), ("repair", "-"),
                        ("merge", "-"), ("anonymise", "-")):
            done = run(*command, "-o", "-", "-q", stdin=stream)
            self.assertEqual((done.returncode, done.stderr), (0, b""), command)
            stream = done.stdout
        done = run("inspect", "-", "--json", stdin=stream)
        document = json.loads(done.stdout)
        self.assertTrue(document["file"]["streamed"])
        self.assertEqual(document["file"]["bytes"], len(stream))
        self.assertEqual(document["file"]["lost_events"], 3)
        saved = self.folder / "saved.trace"
        self.assertEqual(run("repair", "-", "-o", saved, stdin=stream).returncode, 0)
        self.assertEqual(rows(saved), self.golden)
        document = json.loads(run("inspect", saved, "--json").stdout)
        self.assertFalse(document["file"]["streamed"])
        self.assertTrue(json.loads(run("diff", GOLDEN, "-", "--json", stdin=stream).stdout)["same"])
        done = run("inspect", "-", stdin=stream[:-1])
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertRegex(done.stderr, rb"^allocreplay: standard input: at byte [^\n]+\n$")


if __name__ == "__main__":
    unittest.main()
