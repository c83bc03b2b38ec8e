"""Words of docstrings and pages: pronouns that stand where a noun should, and the words that the glossary replaced."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.repo.sources import docstrings, tree

#: Pronouns that hide their nouns.
RIDDLES = frozenset(
    [
        "what",
        "who",
        "whoever",
        "whatever",
        "whom",
        "whose",
        "nobody",
        "somebody",
        "anybody",
        "others",
        "those",
    ]
)
#: No module docstring and no test name begins with one of these.
FORBIDDEN_BEGINNINGS = frozenset(
    ["what", "who", "whoever", "nobody", "somebody", "it", "that", "those", "others", "how", "when"]
)
MAX_SHARE = 0.008

_WORD = re.compile(r"[A-Za-z']+")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, code left out."""
    return [word.lower() for word in _WORD.findall(_CODE.sub(" ", text))]


def share(texts: Iterable[str]) -> float:
    """Return the share of riddles in the words of all these texts."""
    found = [word for text in texts for word in words(text)]
    return sum(word in RIDDLES for word in found) / max(1, len(found))


def module_docstrings(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the docstring of each module that has one."""
    for path in paths:
        text = ast.get_docstring(tree(path))
        if text:
            yield path, text


def docstring_texts(paths: Iterable[Path]) -> list[str]:
    """Return all docstrings of these modules."""
    return [text for path in paths for _, text in docstrings(tree(path))]


def names_of_tests(path: Path) -> Iterator[str]:
    """Yield the names of a module's tests, and its own."""
    yield path.stem
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
