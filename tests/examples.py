"""The examples of the documentation, so that tests run what readers copy.

An example is a code block under a line ``<!-- example: NAME -->``. A block that no test runs stands under a paragraph
that ends with ``Not run by a test.`` A block of words to look at, without a language, is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"(?P<above>[^\n]*)\n+^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- example: (?P<name>[\w .-]+) -->")


@dataclass(frozen=True)
class Block:
    """A code block: where it stands, the line above it, its language and its text."""

    page: Path
    above: str
    language: str
    code: str

    @property
    def name(self) -> str | None:
        found = _MARK.fullmatch(self.above)
        return found["name"] if found else None


def blocks() -> Iterator[Block]:
    """Yield every code block of the documentation that has a language."""
    for page in PAGES:
        for found in _BLOCK.finditer(page.read_text("utf-8")):
            yield Block(page, found["above"], found["language"], found["code"])


def example(name: str) -> str:
    """Return the example of that name."""
    (found,) = [block for block in blocks() if block.name == name]
    return found.code
