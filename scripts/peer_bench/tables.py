"""The result document as GitHub-flavoured Markdown, and its place in BENCHMARK.md."""

import datetime
import json
import math
import os
import pathlib
import platform
import sys

from peer_bench.allocators import BASELINE, SUBJECT
from peer_bench.processes import ROOT
from peer_bench.summary import SCHEMA, VERSION, first_value

BEGIN = "<!-- scripts/bench_peers: begin -->"
END = "<!-- scripts/bench_peers: end -->"
BEHIND = 1.02  # what differs by less than 2 % counts as the same, as in a replay's comparison


class TableError(Exception):
    """A document or a file that cannot be used; the message says which and why."""


def load(path: pathlib.Path) -> dict:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise TableError(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise TableError(f"{path}: not a result of bench_peers (no \"schema\": \"{SCHEMA}\")")
    version = str(document.get("schema_version"))
    if version.split(".")[0] != VERSION.split(".")[0]:
        raise TableError(f"{path}: schema version {version} is unknown; this reads 1.x")
    return document


def figure(value: float | None) -> str:
    """Three digits that matter."""
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{digits}f}"


def relative(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def behind(value: float | None) -> str:
    """mem over the best peer; bold where mem is behind."""
    return f"**{relative(value)}**" if value is not None and value > BEHIND else relative(value)


def table(head: list[str], lines: list[list[str]], texts: int = 1) -> str:
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(cells) + " |" if cells is not rule else
                     "|" + "|".join(cells) + "|" for cells in [head, rule, *lines])


def _cell(row: dict, name: str, text: str) -> str:
    """`text`, or a word for why there is no figure."""
    if row["values"].get(name) is not None:
        return text
    why = row["missing"].get(name, "–")
    return "" if why == "no floor" else why.partition(":")[0]


def _label(row: dict) -> str:
    return f"{row['name']}: {row['what']}"


def _best(row: dict) -> list[str]:
    rounds = row["mem_over_best_peer_rounds"]
    spread = " to ".join(map(relative, rounds)) if rounds else "–"
    return [row["best_peer"] or "–", behind(row["mem_over_best_peer"]), spread]


def ratio_table(rows: list[dict], names: list[str]) -> str:
    """glibc as a figure, the others as ratios to it."""
    others = [name for name in names if name != BASELINE]
    lines = [[_label(row),
              _cell(row, BASELINE, f"{figure(row['values'][BASELINE])} {row['unit']}".strip()),
              *(_cell(row, name, relative(row["ratios"].get(name))) for name in others),
              *_best(row)] for row in rows]
    return table(["", BASELINE, *others, "best peer", "mem / best peer", "over the rounds"], lines)


def value_table(rows: list[dict], names: list[str]) -> str:
    """All as figures."""
    lines = [[f"{_label(row)}{', ' + row['unit'] if row['unit'] else ''}",
              *(_cell(row, name, figure(row["values"].get(name))) for name in names), *_best(row)]
             for row in rows]
    return table(["", *names, "best peer", "mem / best peer", "over the rounds"], lines)


def overview(document: dict, names: list[str]) -> str:
    lines = [[f"{g['group']} ({g['rows']})", *(relative(g["means"].get(name)) for name in names),
              relative(g["best_peer_of_each_row"]), g["best_peer"] or "–",
              behind(g["mem_over_best_peer"]), behind(g["mem_over_best_peer_of_each_row"])]
             for g in document["groups"]]
    return table(["group (rows)", *names, "best peer of each row", "best peer", "mem / best peer",
                  "mem / best of each row"], lines)


def losses(document: dict) -> str:
    compared = [r for r in document["rows"] if r["mem_over_best_peer"] is not None]
    lost = sorted((r for r in compared if r["mem_over_best_peer"] > BEHIND),
                  key=lambda r: -r["mem_over_best_peer"])
    failed = [f"{r['name']} ({name}: {why})" for r in document["rows"]
              for name, why in r["missing"].items() if why.startswith("failed")]
    always = [r for r in lost if (r["mem_over_best_peer_rounds"] or [0])[0] > BEHIND]
    above = [r for r in document["rows"] if (r["mem_over_glibc"] or 0) > BEHIND]
    text = [f"`{SUBJECT}` is behind the best peer by more than 2 % in {len(lost)} of "
            f"{len(compared)} rows ({len(always)} of them in every round), behind {BASELINE} in "
            f"{len(above)}" + (":" if lost else ".")]
    if lost:
        each = (f"{_label(r)} {relative(r['mem_over_best_peer'])}" for r in lost)
        text += ["", "; ".join(each) + "."]
    if failed:
        text += ["", "Failed: " + "; ".join(dict.fromkeys(failed)) + "."]
    return "\n".join(text)


def _revision(name: str | None) -> str:
    return f"revision {name}" if name else "an unknown revision"


def _machine(document: dict) -> str:
    context = document["context"]
    host = context["host"]
    memory = f", {host['memory_bytes'] >> 30} GiB" if host["memory_bytes"] else ""
    listed = ", ".join(
        f"{a['name']} {a['version'] or ''}".strip() + (f" ({a['missing']})" if a["missing"] else "")
        for a in document["allocators"] if a["kind"] in ("baseline", "peer"))
    return (f"{context['date'][:10]}, {host['logical_cpus']} CPUs of "
            f"{host['cpu'] or host['machine']}{memory}, Linux {host['kernel']}; "
            f"{SUBJECT} of {_revision(context['git_revision'])}"
            f"{' with changes' if context['git_changed'] else ''}; {listed}; "
            f"rounds: {context['rounds']}{', quick' if context['scale'] == 'quick' else ''}"
            + (f"; not side by side with the others: {', '.join(context['measured_apart'])}"
               if context["measured_apart"] else "") + ".")


TITLES = {
    "replay": "Replayed traces", "micro": "Patterns", "programs": "Programs",
    "history": "redis: what a history leaves resident", "startup": "Programs that do nothing"}


def markdown(document: dict) -> str:
    names = [a["name"] for a in document["allocators"]]
    real = [a["name"] for a in document["allocators"] if a["kind"] != "floor"]
    parts = [f"    {document['context']['command']} -o peers.json && scripts/bench_peers --markdown "
             "peers.json",
             _machine(document),
             "All are preloaded alike, glibc with nothing preloaded; medians of the rounds. Ratios "
             f"are to {BASELINE}, lower is better everywhere; bold where `{SUBJECT}` is behind.",
             losses(document)]
    if document["groups"]:
        parts += ["### Geometric means", overview(document, names)]
    for suite, title in TITLES.items():
        rows = [row for row in document["rows"] if row["suite"] == suite]
        if rows:
            as_values = suite in ("history", "startup")
            shown = names if suite == "micro" else real
            parts += [f"### {title}",
                      value_table(rows, shown) if as_values else ratio_table(rows, shown)]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """The day and this machine, for the head of a table."""
    model = first_value("/proc/cpuinfo", "model name") or platform.machine()
    return (f"{datetime.date.today().isoformat()}, {os.cpu_count()} CPUs of {model}, Linux "
            f"{platform.release()}, {' '.join(platform.libc_ver())}")


def write_whole(path: pathlib.Path, text: str) -> None:
    """The file is as it was or as it shall be, never half of it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def update_section(path: pathlib.Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replaces what stands between the marks in a file."""
    old = path.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise TableError(f"{path}: needs the lines '{begin}' and '{end}', once each; what stands "
                         "between them is replaced")
    before, rest = old.split(begin)
    write_whole(path, f"{before}{begin}\n\n{text}\n{end}{rest.split(end)[1]}")


def publish(text: str, update: bool, failed: int, begin: str, end: str) -> None:
    """Prints a text, or puts it between the marks in BENCHMARK.md; not if measurements failed."""
    if not update:
        sys.stdout.write(text)
    elif failed:
        raise TableError(f"BENCHMARK.md stays as it was, for something failed ({failed} in all)")
    else:
        update_section(ROOT / "BENCHMARK.md", text, begin, end)
