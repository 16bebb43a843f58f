"""What the figure scripts share: loading, one look, and deterministic PNG and SVG files."""

import argparse
import pathlib
import sys

try:
    import matplotlib
except ImportError:
    sys.exit(f"{sys.argv[0]}: {sys.executable} has no matplotlib; run scripts/bootstrap --for test "
             f"and then $(scripts/find_python) {' '.join(sys.argv)}")

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

from results_io import AllocatorResult, Result, ResultError, load  # noqa: E402

# Okabe and Ito's palette: distinct for every common kind of colour blindness.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["-", "--", "-.", ":"]

plt.rcParams.update({
    "svg.hashsalt": "allocreplay", "svg.fonttype": "path", "font.size": 10,
    "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
    "figure.constrained_layout.use": True, "legend.frameon": False})


def _parser(description: str, epilog: str) -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=description, epilog=epilog,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("files", nargs="+", metavar="RESULT", help="a result file; - is stdin")
    result.add_argument("-o", "--output", required=True, metavar="NAME",
                        help="NAME.png, NAME.svg, or NAME for both")
    return result


def load_lines(paths: list[str]) -> tuple[list[Result], list[tuple[str, Result, AllocatorResult]]]:
    """Every allocator of every file with its label, which names the file if there are several."""
    results = [load(path) for path in paths]
    lines = []
    for result in results:
        for entry in result.results:
            stem = f" ({pathlib.Path(result.source).stem})" if len(results) > 1 else ""
            lines.append((entry.allocator + stem, result, entry))
    return results, lines


def style(index: int) -> dict:
    """Colour and dash of the index-th line; dashes tell lines apart without colour."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index % len(DASHES)]}


def trace_title(results: list[Result]) -> str:
    return ", ".join(sorted({pathlib.Path(result.trace_path).name for result in results}))


def save(figure, name: str) -> list[pathlib.Path]:
    """Writes the figure and returns the files; the same input gives the same bytes."""
    path = pathlib.Path(name)
    if path.suffix in (".png", ".svg"):
        paths = [path]
    else:
        paths = [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]
    for target in paths:
        stamp = {"Date": None} if target.suffix == ".svg" else {"Software": None}
        figure.savefig(target, dpi=150, metadata=stamp)
    plt.close(figure)
    return paths


def run(name: str, draw, argv, description: str, examples: str) -> int:
    """The main of a figure's script: draws what is in the files named in argv, saves it."""
    options = _parser(description, examples).parse_args(argv)
    try:
        save(draw(*load_lines(options.files)), options.output)
    except (ResultError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
