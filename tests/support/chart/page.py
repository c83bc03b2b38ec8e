"""Read the commands of a documentation page."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def scripts(page: str, heading: str) -> list[str]:
    """Return the shell blocks of one chapter, in order."""
    text = (DOCS / page).read_text("utf-8")
    (chapter,) = re.findall(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ \w|\Z)", _quiet(text), re.MULTILINE | re.DOTALL
    )
    found: list[str] = re.findall(r"^```sh\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)
    return found


def _quiet(text: str) -> str:
    """Take the comments out of code, which would look like headings."""
    return re.sub(r"(?m)^(```\w+\n)((?:(?!^```).*\n)*)", lambda one: one[1] + _code(one[2]), text)


def _code(text: str) -> str:
    return re.sub(r"(?m)^# ", " # ", text)
