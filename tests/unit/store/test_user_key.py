"""User ids as the store holds them: one encoded form for each id, and no other text is read as one."""

import re

import pytest

from taskqueue.store.user_key import escape_limit, escape_user, read_limit_name, read_user, try_read_user

ORDINARY = ("a", "u-0042", "ada@example.com", "a+b-c.d_e@f", "-x", "_", ".", "~1", "x" * 128)
ENCODED = {
    "auth0|5f7c": "auth0%7C5f7c",
    "a:b": "a%3Ab",
    "50%": "50%25",
    "a%7Cb": "a%257Cb",
    "*": "%2A",
    "[x]?": "%5Bx%5D%3F",
    "{tag}": "%7Btag%7D",
    ';="q"': "%3B%3D%22q%22",
    "\\": "%5C",
    "|" * 128: "%7C" * 128,
}


@pytest.mark.parametrize("user", ORDINARY)
def test_an_ordinary_id_is_stored_as_it_is(user: str) -> None:
    assert escape_user(user) is user
    assert read_user(user) is user


@pytest.mark.parametrize(("user", "stored"), ENCODED.items())
def test_any_other_id_is_encoded_and_read_back(user: str, stored: str) -> None:
    assert escape_user(user) == stored
    assert read_user(stored) == user
    assert escape_limit(f"shop|{user}") == f"shop|{stored}"
    assert read_limit_name(f"shop|{stored}") == f"shop|{user}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a|b",
        "a:b",
        "a b",
        "50%",
        "%7",
        "%7c",
        "%41",
        "%20",
        "%2F",
        "%0A",
        "%C3%A9",
        "é",
        "x" * 129,
        "%7C" * 129,
    ],
)
def test_text_that_is_no_encoded_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_user(text)
    assert try_read_user(text) == text


@pytest.mark.parametrize("text", ["", "\ud800", "\u2131", "é", "a\nb"])
def test_text_that_is_no_id_gets_no_key_of_an_id(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(escape_user(text))}$"):
        read_user(escape_user(text))


@pytest.mark.parametrize("limit", ["global", "shop", "type:sync"])
def test_a_limit_without_a_user_keeps_its_name(limit: str) -> None:
    assert escape_limit(limit) == limit == read_limit_name(limit)
