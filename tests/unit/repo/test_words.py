"""Plain words: docstrings and pages name their objects, and one concept has one name (docs/glossary.md)."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from typer import Context
from typer.main import get_command

from taskqueue.cli.lazy import LazyCommand
from taskqueue.cli.main import app
from taskqueue.store.keys import PERMANENT
from tests.support.repo.exceptions import OLD_NAMES, UNCLEAR_FOLDERS, UNCLEAR_PAGES
from tests.support.repo.sources import PRODUCT, ROOT, SURROUNDINGS, check_exceptions, python_files, tree
from tests.support.repo.words import (
    FORBIDDEN_BEGINNINGS,
    MAX_SHARE,
    docstring_texts,
    module_docstrings,
    names_of_tests,
    share,
)

MIN_DOCSTRING_SHARE = 0.1
#: Words that the glossary replaced, and their replacements.
REPLACED = {
    "beside": "extra",
    "claimed": "leased",
    "dearest": "max_cost",
    "doubt": "request_relist",
    "facts": "type",
    "held": "pending_removal",
    "kind": "type",
    "kinds": "types",
    "load": "demand",
    "loads": "demand",
    "narrow": "limit",
    "reckon": "estimate",
    "rival": "duplicate",
    "rivals": "duplicates",
    "said": "describe_error",
    "shown": "printable",
    "spared": "protected",
    "wake": "limits_free_at",
}

#: Classes in which such a word has another meaning.
OTHER_MEANINGS = {
    "HeldTimer": "an interpreter is held by C code",
    "_Kind": "of Kubernetes objects",
}

#: Functions and modules whose verb the glossary replaces only as a noun, and those of Kubernetes' kinds.
OTHER_FUNCTIONS = {
    *("load", "_load", "_load_file", "_load_handlers", "load_entry_points", "load_modules"),
    *("_wake", "wake", "wake_parked", "held_timer"),
    *("_kind", "_kind_of", "_list_kind"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def pages() -> Iterator[Path]:
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "tools/**/*.md",
        "helm/**/*.md",
        "examples/**/*.md",
        "deploy/**/*.md",
    ):
        yield from sorted(ROOT.glob(pattern))


def test_names_of_tests_begin_with_a_subject() -> None:
    named = [(path, name) for path in python_files("tests") for name in names_of_tests(path)]
    begins = {
        f"{name_of(path)}: {name}": name.split("_")[1] for path, name in named if name.startswith("test_")
    }
    assert [name for name, word in begins.items() if word in FORBIDDEN_BEGINNINGS] == []


def folders() -> dict[str, list[Path]]:
    """Return modules by package of the product, and by top folder elsewhere."""
    found: dict[str, list[Path]] = {}
    for path in python_files(*PRODUCT):
        found.setdefault(name_of(path.parent), []).append(path)
    return found | {folder: python_files(folder) for folder in SURROUNDINGS}


def test_docstrings_of_each_folder_name_their_objects() -> None:
    faults = {name for name, paths in folders().items() if share(docstring_texts(paths)) > MAX_SHARE}
    for name, paths in folders().items():
        beginnings = {text.split()[0].lower().rstrip(",:") for _, text in module_docstrings(paths)}
        if beginnings & FORBIDDEN_BEGINNINGS:
            faults.add(name)
    check_exceptions(faults, UNCLEAR_FOLDERS)


def test_pages_name_their_objects() -> None:
    found = {name_of(page): share([page.read_text()]) for page in pages()}
    check_exceptions([name for name, part in found.items() if part > MAX_SHARE], UNCLEAR_PAGES)


def test_docstrings_are_a_tenth_of_the_product() -> None:
    paths = python_files(*PRODUCT)
    documented = sum(text.count("\n") + 1 for text in docstring_texts(paths))
    lines = sum(path.read_text().count("\n") for path in paths)
    assert documented / lines >= MIN_DOCSTRING_SHARE


def replaced(names: Iterable[str]) -> dict[str, str]:
    """Return the names that hold a word of the old vocabulary, each with the word to use."""
    parts = {name: re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower()) for name in names}
    return {name: REPLACED[word] for name, found in parts.items() for word in found if word in REPLACED}


def names_of_the_product() -> Iterator[str]:
    """Yield keys, metrics, settings, commands and classes."""
    yield from PERMANENT
    page = (ROOT / "docs" / "configuration.md").read_text()
    yield from re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    yield from command_names(get_command(app), Context(get_command(app)))
    for path in python_files(*PRODUCT):
        yield from (node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef))


def test_names_of_the_product_are_words_of_the_glossary() -> None:
    names = set(names_of_the_product())
    assert {"users", "taskqueue_jobs_total", "redis_url", "describe", "--json", "TaskType"} <= names
    check_exceptions(set(replaced(names)) - OTHER_MEANINGS.keys(), OLD_NAMES)


def names_of_functions() -> Iterator[str]:
    """Yield modules and functions of the product."""
    for path in python_files(*PRODUCT):
        yield path.stem
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        yield from (node.name for node in ast.walk(tree(path)) if isinstance(node, functions))


def test_functions_are_named_by_words_of_the_glossary() -> None:
    words = {
        name: word for name, word in replaced(names_of_functions()).items() if name not in OTHER_FUNCTIONS
    }
    assert words == {}


def command_names(command: Any, context: Context) -> Iterator[str]:
    """Yield the names of a command's subcommands, arguments and options, all the way down."""
    command = command.load() if isinstance(command, LazyCommand) else command
    for parameter in command.params:
        yield from (parameter.name, *parameter.opts)
    for name in getattr(command, "list_commands", lambda _: [])(context):
        yield name
        yield from command_names(command.get_command(context, name), context)
