"""allocreplay inspect, as a user runs it."""

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


def inspect(*args):
    return subprocess.run([BIN / "allocreplay", "inspect", *map(str, args)], capture_output=True,
                          text=True, timeout=60, check=False)


class Inspect(unittest.TestCase):
    def output(self, *args):
        done = inspect(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_json_agrees_with_the_events(self):
        document = json.loads(self.output(GOLDEN, "--json"))
        rows = [line.split("\t") for line in EVENTS[1:]]
        self.assertEqual((document["schema"], document["schema_version"]),
                         ("allocreplay-inspect", "1.2"))
        self.assertIsNone(document["sites"])
        self.assertEqual(document["events"], len(rows))
        self.assertEqual(document["file"]["bytes"], GOLDEN.stat().st_size)
        self.assertEqual(document["file"]["bytes_per_event"], GOLDEN.stat().st_size / len(rows))
        self.assertEqual(document["file"]["lost_events"], 3)
        for op, count in document["ops"].items():
            self.assertEqual(count, sum(row[3] == op for row in rows), op)
        for thread, count in enumerate(document["thread_events"]):
            self.assertEqual(count, sum(row[2] == str(thread) for row in rows))
        live, born_by, cross, curve = {}, {}, 0, []
        for row in rows:
            thread, op, name, size = row[2], row[3], row[4], int(row[5])
            if op == "free":
                cross += born_by[name] != thread
                del live[name]
            else:
                born_by.setdefault(name, thread)
                live[name] = size
            curve.append((sum(live.values()) % 2**64, len(live)))
        self.assertEqual(document["cross_thread_frees"], cross)
        self.assertEqual(document["unfreed"]["objects"], len(live))
        self.assertEqual(document["peak_objects"]["live_objects"], max(n for _, n in curve))
        for point in document["live_curve"]:
            self.assertEqual((point["live_bytes"], point["live_objects"]), curve[point["event"]])
        self.assertLessEqual(len(document["live_curve"]), 100)
        self.assertEqual(sum(b["count"] for b in document["sizes_bytes"]),
                         len(rows) - document["ops"]["free"])
        for kind in ("lifetimes_events", "lifetimes_ns"):
            self.assertEqual(sum(b["count"] for b in document[kind]), document["ops"]["free"])
        self.assertEqual(document["provenance"]["command"], ["made", "up"])

    def test_text_has_the_figures_and_bars(self):
        text = self.output(GOLDEN)
        self.assertRegex(text, r"trace format 1\.0")
        self.assertRegex(text, r"LOST: 3 calls")
        self.assertRegex(text, r"events +500, 13\.25 bytes each")
        self.assertRegex(text, r"malloc +203 +40\.6 %  #{40}\n")
        self.assertRegex(text, r"free +174 +34\.8 %  #{34}\n")
        self.assertRegex(text, r"2\.0 KiB to +4\.0 KiB +155")
        self.assertNotRegex(text, r" \n")
        for title in ("Lifetimes in events", "Lifetimes in time", "Live bytes over", "Provenance"):
            self.assertIn("\n" + title, text)

    def test_events_as_text(self):
        self.assertEqual(self.output(GOLDEN, "--events", "3").splitlines(), EVENTS[:4])
        self.assertEqual(self.output(GOLDEN, "--events", "149:302").splitlines(),
                         EVENTS[:1] + EVENTS[150:303])
        self.assertEqual(self.output(GOLDEN, "--events", ":").splitlines(), EVENTS)
        self.assertEqual(self.output(GOLDEN, "--events", "600:700").splitlines(), EVENTS[:1])

    def test_a_cut_file_is_an_error_or_used_loudly(self):
        with tempfile.TemporaryDirectory() as folder:
            cut = pathlib.Path(folder) / "cut.trace"
            cut.write_bytes(GOLDEN.read_bytes()[:6000])
            done = inspect(cut)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"^allocreplay: .*cut\.trace: at byte 6000: .*cut short "
                                          r"\(--allow-truncated .*\)\n$")
            done = inspect(cut, "--allow-truncated", "--json")
            self.assertEqual(done.returncode, 0)
            self.assertIn("at byte 6000", done.stderr)
            document = json.loads(done.stdout)
            self.assertEqual(document["events"], 300)
            self.assertIn("at byte 6000", document["file"]["truncation"])
            done = inspect(cut, "--allow-truncated")
            self.assertIn("TRUNCATED", done.stdout)
            done = inspect(cut, "--allow-truncated", "--events", ":")
            self.assertEqual(done.stdout.splitlines(), EVENTS[:301])

    def test_errors_are_one_line_and_usage_is_2(self):
        for args, code in (((), 2), ((GOLDEN, "--events", "x"), 2), ((GOLDEN, "--bogus"), 2),
                           ((GOLDEN, "--json", "--events", "1"), 2), (("none.trace",), 1),
                           ((SOURCE,), 1), ((SOURCE / "LICENSE",), 1)):
            with self.subTest(args):
                done = inspect(*args)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertRegex(done.stderr, r"^allocreplay: [^\n]+\n$")


if __name__ == "__main__":
    unittest.main()
