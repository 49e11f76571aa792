"""Reads our Markdown pages: fenced blocks, and the comment that says what a block is."""

import re
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parent.parent

_FENCE = re.compile(
    r"(?m)^(?:<!-- (?P<kind>[a-z]+(?:: [a-z0-9-]+)?) -->\n)?"
    r"(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL,
)
_CODE = re.compile(r"```.*?```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    kind: str  # of the comment right before it; empty where there is none
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(page):
    """Read the blocks of a page, named from the top of the project."""
    text = (TOP / page).read_text()
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            kind=found["kind"] or "",
            language=found["language"],
            text=re.sub(f"(?m)^{found['indent']}", "", found["text"]),
        )
        for found in _FENCE.finditer(text)
    ]


def links(page):
    """Give the targets of a page's links."""
    return re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", (TOP / page).read_text()))


def anchors(page):
    """Give the names by which a page's headings are linked to."""
    text = _CODE.sub("", (TOP / page).read_text())
    return {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.+)$", text)
    }
