"""Sessions and one-time tokens end by the clock."""

import time

import pytest
from fastapi import Request, Response

from taskqueue_api.sign_in.cookies import begin_session, read_session
from taskqueue_api.sign_in.one_time_token import LIFE_S, OneTimeToken

KEY, AGE_S, DIGEST = b"k" * 32, 3_600, "d" * 64
TOKEN = "one-time-token-0123456789"


def request(cookie: str = "") -> Request:
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    return Request({"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": headers})


def began() -> str:
    """Return the cookie of a session that begins now."""
    response = Response()
    begin_session(request(), response, KEY, AGE_S, DIGEST)
    return response.headers["Set-Cookie"].partition(";")[0]


@pytest.mark.parametrize(("after_s", "found"), [(0, DIGEST), (AGE_S - 1, DIGEST), (AGE_S + 2, ""), (-60, "")])
def test_a_session_has_an_age(monkeypatch: pytest.MonkeyPatch, after_s: float, found: str) -> None:
    now_s = time.time()
    cookie = began()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now_s + after_s)
    assert read_session(request(cookie), KEY, AGE_S) == found


def test_a_session_needs_the_key_that_signed_it() -> None:
    assert read_session(request(began()), b"x" * 32, AGE_S) == ""


@pytest.mark.parametrize(("after_s", "counts"), [(0, True), (LIFE_S - 1, True), (LIFE_S, False)])
def test_a_one_time_token_has_an_age(after_s: float, counts: bool) -> None:
    now_s = 50.0
    token = OneTimeToken(TOKEN, lambda: now_s)
    now_s += after_s
    taken = token.take(TOKEN)
    assert bool(taken) is counts
    assert bool(token.caller(taken or "")) is counts
    assert token.take(TOKEN) is None


def test_a_wrong_token_does_not_use_the_right_one_up() -> None:
    token = OneTimeToken(TOKEN)
    assert token.take(TOKEN + "x") is None
    assert token.take(TOKEN)


def test_no_token_is_never_taken() -> None:
    token = OneTimeToken(None)
    assert not token.exists
    assert (token.take(""), token.caller("")) == (None, None)
