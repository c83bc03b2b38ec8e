"""The values of a chart as a table, from the comments of values.yaml."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_KEY = re.compile(r"( *)([A-Za-z]\w*):")


@dataclass(frozen=True, slots=True)
class Row:
    """One commented value.   path: `worker.image.tag`. default: as JSON."""

    path: str
    default: str
    words: str


def table(text: str) -> str:
    """Return a table in Markdown. Raises ValueError for a value without a comment."""
    rows = [f"| `{row.path}` | {_code(row.default)} | {_cell(row.words)} |" for row in read(text)]
    return "| value | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def read(text: str) -> list[Row]:
    """Return the rows in the order of the file. Raises ValueError for a value without a comment."""
    values = yaml.safe_load(text)
    rows = [Row(path, json.dumps(_at(values, path)), words) for path, words in _commented(text)]
    told = {row.path for row in rows}
    silent = [path for path in _leaves(values) if not any(f"{path}.".startswith(f"{one}.") for one in told)]
    if silent:
        raise ValueError(f"values.yaml: write a comment above {', '.join(silent)}")
    return rows


def _commented(text: str) -> Iterator[tuple[str, str]]:
    parents: list[str] = []
    words: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            words.append(stripped.removeprefix("#").strip())
            continue
        key = _KEY.match(line)
        if key:
            parents = [*parents[: len(key[1]) // 2], key[2]]
            if words:
                yield ".".join(parents), " ".join(words)
        words = []


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values[name]
    return values


def _code(default: str) -> str:
    return f"`{_cell(default)}`"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
