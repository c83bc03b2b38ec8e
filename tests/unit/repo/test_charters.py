"""Charters: the docstring of a package lists its modules, each with its subject, and names what it may import.

A line of the list is `    name  subject`, or `    name, name  subject`. `May import` begins the sentence on imports.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.support.repo.exceptions import INCOMPLETE_CHARTERS, UNDECLARED_IMPORTS
from tests.support.repo.sources import check_exceptions, imports, packages, tree

LISTED = re.compile(r"^    ([a-z_0-9]+(?:, [a-z_0-9]+)*)  +\S", re.MULTILINE)
SENTENCE = re.compile(r"May import\s(.+?)(?:[.;](?=\s|$)|$)", re.DOTALL)


def charter(folder: Path) -> str:
    return ast.get_docstring(tree(folder / "__init__.py")) or ""


def parts(folder: Path) -> set[str]:
    """Return the modules and packages in a package."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def undeclared(name: str, folder: Path) -> set[str]:
    """Return the modules of the project that a package imports and its charter does not allow."""
    sentence = SENTENCE.search(charter(folder))
    if not sentence:
        return {"May import"}
    found = {
        one for path in folder.glob("*.py") for one in imports(tree(path)) if one.startswith("taskqueue")
    }
    found.discard("taskqueue.__version__")
    own = [f"{name}.{path.stem}" for path in folder.glob("*.py")] if name == "taskqueue" else [name]
    allowed = [*own, *allowed_imports(name, sentence[1])]
    return {one for one in found if not any(f"{one}.".startswith(f"{prefix}.") for prefix in allowed)}


def allowed_imports(name: str, sentence: str) -> set[str]:
    """Return the modules that a sentence of the charter of `name` lists; `taskqueue` as a whole is no list."""
    listed = set(re.findall(r"`([\w.]+)`", sentence)) - {"taskqueue"}
    root, _, _ = name.partition(".")
    return listed | {f"{root}.{one}" for one in listed}


def test_charters_list_the_modules_of_their_packages() -> None:
    faults = {}
    for name, folder in packages().items():
        listed = {one for names in LISTED.findall(charter(folder)) for one in names.split(", ")}
        if listed != parts(folder):
            faults[name] = (
                f"missing {sorted(parts(folder) - listed)}, unknown {sorted(listed - parts(folder))}"
            )
    print(faults)  # shown with a failure
    check_exceptions(faults, INCOMPLETE_CHARTERS)


def test_charters_name_all_imports_of_the_project() -> None:
    faults = {name: sorted(undeclared(name, folder)) for name, folder in packages().items()}
    print(faults)
    check_exceptions([name for name, found in faults.items() if found], UNDECLARED_IMPORTS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("    due  the ranges", ["due"]),
        ("    url, tls  a server", ["url, tls"]),
        ("    a = b", []),
        ("  x  y", []),
    ],
)
def test_a_list_line_is_four_spaces_names_and_a_subject(text: str, names: list[str]) -> None:
    assert LISTED.findall(text) == names


@pytest.mark.parametrize(
    ("sentence", "is_allowed"),
    [
        ("`taskqueue.store` and `taskqueue.text`", True),
        ("`taskqueue` except its command line", False),
        ("every package but `taskqueue.dev`", False),
        ("nothing else of taskqueue", False),
    ],
)
def test_a_charter_allows_the_imports_that_it_lists(sentence: str, is_allowed: bool) -> None:
    assert ("taskqueue.store" in allowed_imports("taskqueue_worker", sentence)) is is_allowed
