"""YAML as documents with places, built straight from libyaml's events.

yaml.load would not do: it keeps the last of two equal keys in silence, turns dates into objects that JSON does not
know, follows aliases however many times they multiply, and its composer overflows the stack on deep nesting.
Plain scalars are text or numbers as in kubectl (YAML 1.1, without dates and base 60), so that a file means the same
in a folder and in a cluster.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from taskqueue.models.nesting import DOCUMENT_DEPTH, TOO_DEEP
from taskqueue.models.refusal import FieldPath, Refusal, excerpt
from taskqueue.sources.bounds import MAX_ALIASED_VALUES, MAX_DOCUMENTS, MAX_FAULTS, MAX_VALUES
from taskqueue.sources.document import Document, Place, Places, Tree

_STR_TAG = "tag:yaml.org,2002:str"
_PLAIN_TAGS = (None, "!", _STR_TAG, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_WORDS = {
    word: meaning
    for lower, meaning in {
        "": None, "~": None, "null": None,
        "true": True, "yes": True, "y": True, "on": True,
        "false": False, "no": False, "n": False, "off": False,
    }.items()
    for word in (lower, lower.capitalize(), lower.upper())
}  # fmt: skip
_INTEGER = re.compile(r"([-+]?)(?:0[bB]([01_]+)|0[xX]([0-9a-fA-F_]+)|0[oO]?([0-7_]+)|(0|[1-9][0-9_]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_DIGITS = 64  # beyond, a number is a float: integers of unbounded size take unbounded time to read


class BoundError(yaml.MarkedYAMLError):
    """A file exceeds a bound and is not read further."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def yaml_documents(data: bytes | str) -> Iterator[Document]:
    """Yield all documents. Empty ones count and are skipped. Raises yaml.YAMLError for other text."""
    number = 0
    events = yaml.parse(data, Loader=yaml.CSafeLoader)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            number += 1
            if number > MAX_DOCUMENTS:
                raise BoundError(f"there are more than {MAX_DOCUMENTS:,} documents", event.start_mark)
            document = _Builder(events).build(number)
            if document.value is not None or document.flaws:
                yield document


class _Builder:
    """Builds the value of one document, and records places and flaws."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.flaws: list[Refusal] = []
        self.flaw_lines: dict[FieldPath, int] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}  # a value, and the number of nodes in it
        self.nodes = 0
        self.aliased_nodes = 0

    def build(self, number: int) -> Document:
        first = next(self.events)
        value, tree = self.node(first, ())
        places = Places(tree, self.flaw_lines)
        return Document(number, first.start_mark.line + 1, value, tuple(self.flaws), lambda: places)

    def node(self, event: Any, path: FieldPath) -> tuple[Any, Tree]:
        """Return a value, and the lines of its parts. Raises BoundError."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path), line
        if event.tag not in _PLAIN_TAGS:
            self.flaw(path, f'remove the tag "{excerpt(event.tag)}"')
        before = self.nodes
        self.nodes += 1
        if self.nodes > MAX_VALUES:
            raise BoundError(f"a document has more than {MAX_VALUES:,} values", event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            value, tree = self.scalar(event)
        elif len(path) >= DOCUMENT_DEPTH:
            raise BoundError(TOO_DEEP, event.start_mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            value, tree = self.sequence(path, line)
        else:
            value, tree = self.mapping(path, line)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before)
        return value, tree

    def alias(self, event: Any, path: FieldPath) -> Any:
        """Return the value of an alias; inside its own anchor there is none yet, so that no value is endless."""
        if event.anchor not in self.anchors:
            self.flaw(path, f'the anchor "&{excerpt(event.anchor)}" must stand before its alias')
            return None
        value, nodes = self.anchors[event.anchor]
        self.aliased_nodes += nodes
        if self.aliased_nodes > MAX_ALIASED_VALUES:
            self.flaw(path, f"aliases must stand for at most {MAX_ALIASED_VALUES} values")
            return None
        self.nodes += nodes
        return value

    def scalar(self, event: Any) -> tuple[Any, Tree]:
        text: str = event.value
        line = event.start_mark.line + 1
        if not event.implicit[0] or event.tag is not None:
            return text, line
        value = plain_value(text)
        return value, line if isinstance(value, str) else Place(line, text)

    def sequence(self, path: FieldPath, line: int) -> tuple[list[Any], Tree]:
        items: list[Any] = []
        tree: dict[str | int | None, Any] = {None: line}
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            number = len(items)
            item, tree[number] = self.node(event, (*path, number))
            items.append(item)
        return items, tree

    def mapping(self, path: FieldPath, line: int) -> tuple[dict[str, Any], Tree]:
        items: dict[str, Any] = {}
        tree: dict[str | int | None, Any] = {None: line}
        merged: list[Any] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            inside = (*path, key)
            if key in items:
                self.flaw(inside, "must be given once", event)
            value, tree[key] = self.node(next(self.events), inside)
            if key == "<<" and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
            else:
                items[key] = value
        return self.merge(items, merged, path) if merged else items, tree

    def key(self, event: Any, path: FieldPath) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self.flaw(path, "every key must be text", event)
            self.node(event, (*path, "?"))
            return "?"
        text: str = event.value
        if event.implicit[0] and not isinstance(plain_value(text), str):
            self.flaw((*path, text), f'the key must be text; write "{excerpt(text)}"', event)
        return text

    def merge(self, items: dict[str, Any], merged: list[Any], path: FieldPath) -> dict[str, Any]:
        """Merge the mappings of `<<`: keys of the mapping itself take precedence, then those of earlier mappings."""
        whole: dict[str, Any] = {}
        for source in reversed(merged):
            if isinstance(source, dict):
                whole |= source
            else:
                self.flaw((*path, "<<"), "must be an alias of a mapping")
        return whole | items

    def flaw(self, path: FieldPath, message: str, event: Any = None) -> None:
        if len(self.flaws) > MAX_FAULTS:
            return  # more are not listed
        if event is not None:
            self.flaw_lines[path] = event.start_mark.line + 1
        self.flaws.append(Refusal(path, message))


def plain_value(text: str) -> Any:
    """Read a scalar without quotes.

    >>> plain_value("no"), plain_value("0042"), plain_value("2026-01-01"), plain_value("1e3")
    (False, 34, '2026-01-01', 1000.0)
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) <= _MAX_DIGITS and (match := _INTEGER.fullmatch(text)):
        sign, binary, hexadecimal, octal, decimal = match.groups()
        for digits, base in ((binary, 2), (hexadecimal, 16), (octal, 8), (decimal, 10)):
            if digits and digits.strip("_"):
                return int(sign + digits.replace("_", ""), base)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text
