"""The cookie of a session: signed, bound to the token that began it, and useless to other sites and to scripts."""

import hashlib

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

_NAME = "taskqueue"
#: Browsers take a cookie of this name only by https, from this host, for all paths.
_SECURE_NAME = "__Host-taskqueue"


def read_session(request: Request, key: bytes, age_s: int) -> str:
    """Return the digest of the token that began the session of a request; empty without a session in force."""
    cookie = request.cookies.get(_name(request), "")
    try:
        return str(_serializer(key).loads(cookie, max_age=age_s))
    except BadSignature:
        return ""


def begin_session(request: Request, response: Response, key: bytes, age_s: int, token_digest: str) -> None:
    """Set the cookie of a session."""
    response.set_cookie(
        _name(request),
        str(_serializer(key).dumps(token_digest)),
        max_age=age_s,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def end_session(request: Request, response: Response) -> None:
    """Remove the cookie of a session."""
    response.delete_cookie(
        _name(request), path="/", secure=_is_secure(request), httponly=True, samesite="strict"
    )


def _name(request: Request) -> str:
    return _SECURE_NAME if _is_secure(request) else _NAME


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _serializer(key: bytes) -> URLSafeTimedSerializer:
    signer = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(key, salt="session", signer_kwargs=signer)
