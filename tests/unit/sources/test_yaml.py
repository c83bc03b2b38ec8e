from typing import Any

import pytest
import yaml

from taskqueue.models.nesting import DOCUMENT_DEPTH
from taskqueue.sources import yaml_documents as module
from taskqueue.sources.document import Document
from taskqueue.sources.yaml_documents import BoundError, plain_value, yaml_documents


def documents(text: str) -> list[Document]:
    return list(yaml_documents(text.encode()))


def flaws(text: str) -> dict[str, str]:
    (document,) = documents(text)
    return {flaw.field: flaw.message for flaw in document.flaws}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("yes", True),
        ("On", True),
        ("TRUE", True),
        ("no", False),
        ("off", False),
        ("False", False),
        ("y", True),
        ("N", False),
        ("0X1f", 31),
        ("0O17", 15),
        ("-0B11", -3),
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("+7", 7),
        ("1_000", 1_000),
        ("0042", 34),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0x10", -16),
        ("0_", 0.0),
        ("08", 8.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1_000.0),
        ("-1.5E-1", -0.15),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("12h", "12h"),
        ("-", "-"),
        (".", "."),
        ("0x", "0x"),
        ("+", "+"),
        ("1" * 100, float("1" * 100)),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("fetch-orders", "fetch-orders"),
        ("=", "="),
        ("<<", "<<"),
        ("0b_", "0b_"),
    ],
)
def test_plain_scalars_are_read_as_by_kubectl(text: str, value: Any) -> None:
    read = plain_value(text)
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_left_for_its_field_to_refuse() -> None:
    assert plain_value(".nan") != plain_value(".nan")


def test_quotes_and_blocks_are_always_text() -> None:
    (document,) = documents("a: '0042'\nb: \"no\"\nc: |\n  5\nd: !!str 5\ne: ! 5\nf: plain")
    assert document.value == {"a": "0042", "b": "no", "c": "5\n", "d": "5", "e": "5", "f": "plain"}
    assert document.flaws == ()


def test_empty_documents_count_and_lines_are_known() -> None:
    found = documents("# nothing\n---\na: 1\n---\n---\n# still nothing\n---\n- b:\n    c: no\n")
    assert [(document.number, document.line, document.value) for document in found] == [
        (1, 3, {"a": 1}),
        (4, 8, [{"b": {"c": False}}]),
    ]
    places = found[1].places()
    assert (places[(0, "b", "c")].line, places[(0, "b", "c")].raw) == (9, "no")
    assert places[(0, "b")].raw is None


def test_a_duplicate_key_is_a_flaw_at_its_second_line() -> None:
    (document,) = documents("spec:\n  a: 1\n  'a': 2\n")
    assert [(flaw.field, flaw.message) for flaw in document.flaws] == [("spec.a", "must be given once")]
    assert document.places()[("spec", "a")].line == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on: push", {"on": 'the key must be text; write "on"'}),
        ("a: {1: x}", {"a.1": 'the key must be text; write "1"'}),
        ("? [a, b]\n: c", {"manifest": "every key must be text"}),
        (
            "&x a: 1\n*x : 2",
            {
                "manifest": "every key must be text",
                "?": 'the anchor "&x" must stand before its alias',
            },
        ),
        (
            "a: !!python/object:os.system x",
            {"a": 'remove the tag "tag:yaml.org,2002:python/object:os.system"'},
        ),
        ("a: !!binary aGk=", {"a": 'remove the tag "tag:yaml.org,2002:binary"'}),
        ("a: !!set {x: ~}", {"a": 'remove the tag "tag:yaml.org,2002:set"'}),
        ("a: *missing", {"a": 'the anchor "&missing" must stand before its alias'}),
        ("a: &loop [*loop]", {"a[0]": 'the anchor "&loop" must stand before its alias'}),
        ("<<: 5\na: 1", {"<<": "must be an alias of a mapping"}),
        ("a: b", {}),
    ],
)
def test_values_without_json_form_are_flaws(text: str, expected: dict[str, str]) -> None:
    assert flaws(text) == expected


def test_aliases_repeat_anchors_and_merges_yield() -> None:
    (document,) = documents(
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\n"
        "one: *base\ntwo: {<<: *base, a: 5}\nthree: {<<: [*base, *more]}\nfour: {'<<': text}\n"
    )
    assert document.flaws == ()
    assert document.value["one"] == {"a": 1, "b": 2}
    assert document.value["two"] == {"a": 5, "b": 2}
    assert document.value["three"] == {"a": 1, "b": 2, "c": 4}
    assert document.value["four"] == {"<<": "text"}


def test_multiplying_aliases_are_refused_before_expansion() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (document,) = documents("\n".join(lines))
    assert document.flaws
    assert {flaw.message for flaw in document.flaws} == {"aliases must stand for at most 100000 values"}


@pytest.mark.parametrize("depth", [DOCUMENT_DEPTH + 1, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_without_end_is_refused_at_once_and_no_crash(opening: str, depth: int) -> None:
    with pytest.raises(BoundError, match="nested at most 32 levels deep"):
        documents(opening * depth)


def test_nesting_up_to_the_bound_is_read() -> None:
    (document,) = documents("[" * DOCUMENT_DEPTH + "]" * DOCUMENT_DEPTH)
    assert document.flaws == ()


def test_more_values_than_a_document_may_have_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUES", 10)
    documents("[1, 2, 3, 4, 5, 6, 7, 8, 9]")
    documents("[1, 2, 3, 4, 5, 6, 7, 8]\n---\n[1, 2, 3]")
    for text in ("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "{a: &a [1, 2, 3, 4, 5], b: *a, c: d}"):
        with pytest.raises(BoundError, match="more than 10 values"):
            documents(text)


def test_no_more_flaws_are_kept_than_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FAULTS", 10)
    (document,) = documents("{" + "1: 2, " * 50 + "}")
    assert len(document.flaws) == 11


def test_invalid_yaml_raises() -> None:
    with pytest.raises(yaml.YAMLError):
        documents("a: b: c")
