"""Call sites and touched pages on their way from a recorded program through every command."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])
SUBJECT = BUILD / "tests/support/recorded/recorded_subject"
SANITIZED = os.environ.get("ALLOCREPLAY_SANITIZE", "")
CALLS = 300  # of the program's innermost()


def run(*args, stdin=None):
    return subprocess.run([BUILD / "bin/allocreplay", *map(str, args)], capture_output=True,
                          input=stdin, timeout=60, check=False)


def output(*args, stdin=None):
    done = run(*args, stdin=stdin)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def hot(path, *args, stdin=None):
    return json.loads(output("inspect", path, "--json", *args, stdin=stdin))["sites"]


def site_of(sites, function):
    """The one site of a program's function, as inspect has it."""
    found = [site for site in sites["hot"]
             if site["stack"] and f"::{function}(" in (site["stack"][0]["function"] or "")]
    assert len(found) == 1, (function, sites)
    return found[0]


@unittest.skipIf(SANITIZED, "a sanitizer's malloc and a preloaded one exclude each other")
class Sites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.trace = cls.folder / "hot.trace"
        done = run("record", "--sites=fp", "--residency", "-o", cls.trace, "--", SUBJECT, "hot",
                   CALLS)
        assert done.returncode == 0, done.stderr.decode()

    def rewritten(self, *args):
        out = self.folder / "out.trace"
        output(*args, "-q", "-o", out)
        output("validate", out)
        return out

    def test_stacks_may_be_cut(self):
        for depth in (1, 2):
            path = self.folder / "cut.trace"
            output("record", "-q", "--sites=fp", "--site-depth", depth, "-o", path, "--", SUBJECT,
                   "hot", CALLS)
            lengths = {len(site["stack"]) for site in hot(path)["hot"]}
            self.assertEqual(max(lengths), depth)

    def test_inspect_names_the_hottest_in_each_respect(self):
        sites = hot(self.trace)
        of = {name: site_of(sites, name) for name in ("innermost", "hoard", "grow")}
        self.assertEqual((of["innermost"]["calls"], of["innermost"]["requested_bytes"]),
                         (CALLS, CALLS * 801))
        self.assertEqual([of["hoard"][key] for key in (
            "calls", "requested_bytes", "live_bytes_at_peak", "live_objects_at_peak",
            "unfreed_bytes")], [2, 600_000, 300_000, 1, 300_000])
        self.assertEqual([of["grow"][key] for key in (
            "calls", "requested_bytes", "live_bytes_at_peak", "live_objects_at_peak",
            "unfreed_bytes")], [1, 200_000, 500_000, 1, 500_000])

        def order(key):
            named = {site["site"]: name for name, site in of.items()}
            return [named[site] for site in sites[key] if site in named]
        self.assertEqual(order("by_requested_bytes"), ["hoard", "innermost", "grow"])
        self.assertEqual(order("by_live_bytes_at_peak"), ["grow", "hoard"])
        self.assertEqual(order("by_calls"), ["innermost", "hoard", "grow"])
        callers = [frame["text"] for frame in of["innermost"]["stack"]]
        self.assertIn("outer", callers[1])
        self.assertEqual(len(hot(self.trace, "--top", 1)["by_calls"]), 1)

    def test_inspect_prints_stacks_for_people(self):
        text = output("inspect", self.trace, "--top", 2).decode()
        self.assertRegex(text, r"Hottest call sites by bytes asked for\n.*innermost frame\n"
                               r" +\d+ +585\.9 KiB +2 +[\d.]+ %  .*hoard\(\)")
        self.assertRegex(text, r"Hottest call sites by calls\n.*\n +\d+ +234\.7 KiB +300 +98\.0 % ")
        self.assertRegex(text, r"site \d+: 195\.3 KiB in 1 calls; live at the peak 488\.3 KiB in 1 "
                               r"objects; never freed 488\.3 KiB\n +.*grow.*\n")

    def test_a_filter_keeps_what_a_function_or_its_callees_allocated(self):
        for text, sizes in (("innermost", {"801"}), ("outer", {"801"}),
                            ("hoard|no such", {"300000", "500000"}), ("(hoard", None)):
            if sizes is None:
                done = run("filter", self.trace, "--site", text, "-o", self.folder / "none.trace")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr.decode(), r"none of its \d+ stacks has '\(hoard' in it")
                self.assertFalse((self.folder / "none.trace").exists())
                continue
            for source, stdin in ((self.trace, None), ("-", self.trace.read_bytes())):
                out = output("filter", source, "--site", text, "-q", "-o", "-", stdin=stdin)
                rows = output("inspect", "-", "-e", ":", stdin=out).decode().splitlines()[1:]
                kept = {row.split("\t")[5] for row in rows} - {"0"}
                self.assertEqual(kept, sizes, text)
        both = self.rewritten("filter", self.trace, "--site", "innermost", "--site", "hoard",
                              "--size", ":1000")
        self.assertEqual(json.loads(output("inspect", both, "--json"))["objects"], CALLS)

    def test_a_trace_without_sites_says_so(self):
        plain = self.rewritten("anonymise", self.trace)
        done = run("filter", plain, "--site", "x", "-o", self.folder / "none.trace")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not say where the program called malloc; record it with --sites",
                      done.stderr.decode())

    def test_slice_and_repair_keep_sites(self):
        whole = hot(self.trace)
        self.assertEqual(hot(self.rewritten("repair", self.trace))["hot"], whole["hot"])
        events = json.loads(output("inspect", self.trace, "--json"))["events"]
        piece = hot(self.rewritten("slice", self.trace, "-e", f"{events - 3}:"))
        self.assertEqual(site_of(piece, "hoard")["stack"], site_of(whole, "hoard")["stack"])

    def test_merge_keeps_the_sites_of_each(self):
        whole = site_of(hot(self.trace), "hoard")
        plain = self.folder / "plain.trace"
        output("anonymise", self.trace, "-q", "-o", plain)
        for by in ("time", "order"):
            merged = hot(self.rewritten("merge", self.trace, plain, self.trace, "--by", by))
            found = [site for site in merged["hot"] if site["stack"] == whole["stack"]]
            self.assertEqual([site["calls"] for site in found], [2, 2])
        out = output("merge", "-", self.trace, "-q", "-o", "-", stdin=self.trace.read_bytes())
        found = [site for site in hot("-", stdin=out)["hot"] if site["stack"] == whole["stack"]]
        self.assertEqual([site["calls"] for site in found], [2, 2])

    def test_anonymise_leaves_no_word_of_them(self):
        plain = self.rewritten("anonymise", self.trace)
        self.assertIsNone(hot(plain))
        data = output("convert", plain, "-", "--to", "text", "-q")
        for word in (b"innermost", b"recorded_subject", b"libc", b"# string"):
            self.assertIn(word, output("convert", self.trace, "-", "--to", "text", "-q"))
            self.assertNotIn(word, data)
            self.assertNotIn(word, plain.read_bytes())

    def test_text_holds_all_and_comes_back(self):
        text = self.folder / "hot.txt"
        back = self.folder / "back.trace"
        output("convert", self.trace, text, "-q")
        output("convert", text, back, "-q")
        for args in (("-e", ":"), ()):
            self.assertEqual(output("inspect", back, *args).split(b"\n", 2)[2],
                             output("inspect", self.trace, *args).split(b"\n", 2)[2])
        self.assertEqual(output("convert", back, "-", "--to", "text", "-q"), text.read_bytes())
        self.assertIn(b"\tsite\ttouched\n", text.read_bytes())

    def test_csv_names_sites_and_touched_pages(self):
        lines = output("convert", self.trace, "-", "--to", "csv", "-q").decode().splitlines()
        self.assertTrue(lines[0].endswith(",site,touched"))
        self.assertTrue(any(line.split(",")[2] == "free" and line.split(",")[7] != "0"
                            for line in lines[1:]))


if __name__ == "__main__":
    unittest.main()
