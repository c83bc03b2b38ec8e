import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.handlers.errors import BadHttpCall
from taskqueue.handlers.references import expand

ENVIRONMENT = {"TASKQUEUE_HTTP_TOKEN": "t0ken", "TASKQUEUE_HTTP_BAD": "a\r\nX: y", "REDIS_PASSWORD": "pa55"}


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("plain", "plain"),
        ("Bearer ${env:TASKQUEUE_HTTP_TOKEN}", "Bearer t0ken"),
        ("${env:TASKQUEUE_HTTP_TOKEN}/${env:TASKQUEUE_HTTP_TOKEN}", "t0ken/t0ken"),
        ("$5 {x} }", "$5 {x} }"),
    ],
)
def test_references_are_replaced_and_the_rest_is_kept(value: str, expanded: str) -> None:
    assert expand("X", value, ENVIRONMENT) == expanded


@pytest.mark.parametrize(
    "value",
    [
        "${env:REDIS_PASSWORD}",
        "${env:XTASKQUEUE_HTTP_TOKEN}",
        "${env:TASKQUEUE_HTTP_}",
        "${env:TASKQUEUE_HTTP_token}",
        "${env: TASKQUEUE_HTTP_TOKEN}",
        "${TASKQUEUE_HTTP_TOKEN}",
        "${file:/etc/passwd}",
        "${env:TASKQUEUE_HTTP_TOKEN",
        "${${env:TASKQUEUE_HTTP_TOKEN}}",
        "${}",
        "${env:TASKQUEUE_HTTP_TOKEN\n}",
    ],
)
def test_any_other_reference_is_refused(value: str) -> None:
    with pytest.raises(BadHttpCall, match="header X: a reference is written"):
        expand("X", value, ENVIRONMENT)


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(BadHttpCall, match="no TASKQUEUE_HTTP_NOPE"):
        expand("X", "${env:TASKQUEUE_HTTP_NOPE}", ENVIRONMENT)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "${env:TASKQUEUE_HTTP_BAD}"])
def test_a_header_with_line_ends_is_refused_unseen(value: str) -> None:
    with pytest.raises(BadHttpCall, match="header X: its value has a line break") as raised:
        expand("X", value, ENVIRONMENT)
    assert "X: y" not in str(raised.value)


def test_a_variables_value_is_not_expanded() -> None:
    environment = {"TASKQUEUE_HTTP_A": "${env:REDIS_PASSWORD}", "REDIS_PASSWORD": "pa55"}
    assert expand("X", "${env:TASKQUEUE_HTTP_A}", environment) == "${env:REDIS_PASSWORD}"


@settings(max_examples=300)
@given(st.text(alphabet="${}:env TASKQUEUE_HTTP_REDIS_PASSWORD", max_size=60))
def test_nothing_but_the_allowed_prefix_is_ever_read(value: str) -> None:
    try:
        assert "pa55" not in expand("X", value, ENVIRONMENT)
    except BadHttpCall:
        assert "${" in value
