"""What the checks of the source tree share: its C++ files, their includes, and made-up bad trees."""

import os
import pathlib
import re
import tempfile

ROOT = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"])
BUILD = pathlib.Path(os.environ["ALLOCREPLAY_BUILD"])

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
_COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


def sources(root: pathlib.Path, *folders: str) -> list[str]:
    """Paths of all .cc and .h files under the folders, relative to the root, sorted."""
    return sorted(path.relative_to(root).as_posix() for folder in folders
                  for path in (root / folder).rglob("*") if path.suffix in (".cc", ".h"))


def includes(root: pathlib.Path, file: str) -> list[tuple[str, str]]:
    """('"' or '<', what is included) for each #include of a file."""
    return _INCLUDE.findall((root / file).read_text(encoding="utf-8"))


def code_lines(root: pathlib.Path, file: str) -> list[str]:
    """The file's lines, comments and literals blanked out."""
    def blank(match):
        return "\n" * match.group().count("\n") or " "
    return _COMMENT_OR_LITERAL.sub(blank, (root / file).read_text(encoding="utf-8")).split("\n")


def made_tree(files: dict[str, str]) -> tempfile.TemporaryDirectory:
    """A temporary folder that holds these files; its .name is the root."""
    folder = tempfile.TemporaryDirectory(prefix="allocreplay-tree-")
    for name, text in files.items():
        path = pathlib.Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def found_in(check, files: dict[str, str]) -> list[str]:
    """What a check says of a made-up tree."""
    with made_tree(files) as root:
        return check(pathlib.Path(root))


def assert_none(test, found: list[str]) -> None:
    """Fails the test with one line for each finding."""
    if found:
        test.fail("\n".join(["", *found]))
