import pytest

from taskqueue.sources.bounds import MAX_MAPPINGS
from taskqueue.sources.json_documents import JsonRefusedError, decode, json_document, json_line


def test_a_document_knows_the_lines_of_its_parts() -> None:
    document = json_document(b'\xef\xbb\xbf{\n  "a": {\n\t"b": 42},\n "c": "\\ud83d\\ude00 \\/"}')
    assert document.value == {"a": {"b": 42}, "c": "\N{GRINNING FACE} /"}
    assert (document.number, document.line, document.flaws) == (1, 1, ())
    assert document.places()[("a", "b")].line == 3
    assert document.places()[("c",)].line == 4


def test_a_line_of_many_is_numbered_by_its_line() -> None:
    document = json_line(b'{"a": 1}', 7)
    assert (document.number, document.line) == (7, 7)
    assert document.places()[("a",)].line == 7


def test_a_duplicate_key_is_a_flaw_at_its_place() -> None:
    document = json_document(b'{"a": {"b": 1,\n "b": 2}, "c": 3}')
    assert document.value == {"a": {"b": 2}, "c": 3}
    assert [(flaw.field, flaw.message) for flaw in document.flaws] == [("a.b", "must be given once")]
    assert document.places()[("a", "b")].line == 2


def test_a_duplicate_key_is_a_flaw_where_yaml_fails() -> None:
    document = json_document(b'{"a": 1, "a": "\x7f"}')
    assert [(flaw.field, flaw.message) for flaw in document.flaws] == [
        ("manifest", "each key must be unique (one is there twice)")
    ]
    assert document.places().get(("a",)) is None


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 3, "a value is missing, at column 1"),
        (b'{"a": 1,\n "b" 2}', 4, "a colon is missing, at column 6"),
        (b'{"a": NaN}', 3, "must be finite"),
        (b'{"a": -Infinity}', 3, "must be finite"),
        (b"1" * 5_000, 3, "fit into 64 bits"),
        (b"[" * 100_000, 3, "nested at most 32 levels deep"),
        (b"[" + b"{}," * MAX_MAPPINGS + b"{}]", 3, "at most 30,000 mappings"),
        (b'{"a":\n"\xff"}', 4, "UTF-8"),
        (b'{"a": 1, "a": 2}', 3, "each key must be unique"),
    ],
)
def test_invalid_json_is_refused_with_its_line(data: bytes, line: int, says: str) -> None:
    with pytest.raises(JsonRefusedError, match=says) as refused:
        decode(data, 3)
    assert refused.value.line == line
