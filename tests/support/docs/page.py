"""The blocks of a page: files to write, and commands to type."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[3]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
#: "Write `mine/tasks.yaml`", or the name on a line of its own.
NAME = re.compile(r"(?:[Ww]rite\s+`([\w./-]+\.\w+)`|^`([\w./-]+\.\w+)`:?$)", re.MULTILINE)
#: Commands that run until a signal, unless `--for` ends them.
ENDLESS = re.compile(r"taskqueue (dev|scheduler|worker|example-api)\b|python \S+ runserver\b|uvicorn\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fence. file: the path that the text before names for it, or empty; chapter: the last heading before it."""

    chapter: str
    language: str
    text: str
    file: str

    @property
    def exit_code(self) -> int:
        """The exit code that a comment announces for the last command."""
        announced = re.findall(r"# exit code (\d+)", self.text)
        return int(announced[-1]) if announced else 0

    @property
    def is_endless(self) -> bool:
        """Whether the last command runs until a signal."""
        last = self.text.rstrip().replace("\\\n", " ").splitlines()[-1]
        return " --for " not in last and bool(ENDLESS.match(last))


def blocks(page: str) -> list[Block]:
    """Return the fences of a page in order; `page` is its path in the repository."""
    found, chapter, end = [], "", 0
    whole = (ROOT / page).read_text("utf-8")
    for fence in FENCE.finditer(whole):
        _, language, text = fence.groups()
        before, end = whole[end : fence.start()], fence.end()
        headings = re.findall(r"^#+ (.*)$", before, re.MULTILINE)
        chapter = headings[-1] if headings else chapter
        names = NAME.findall(before.strip().split("\n\n")[-1]) if language != "sh" else []
        found.append(Block(chapter, language, dedent(text), "".join(names[-1]) if names else ""))
    return found
