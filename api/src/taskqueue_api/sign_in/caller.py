"""Callers: a name, the proof of it, and the role that decides whether the caller may write."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """viewer: reads. editor: writes, too."""

    VIEWER = "viewer"
    EDITOR = "editor"


class SignedInBy(StrEnum):
    """The proof that a request came with. loopback: none, where the process has no credentials."""

    TOKEN = "token"  # noqa: S105 - a word
    SESSION = "session"
    PROXY = "proxy"
    LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True)
class Caller:
    """name: of the token, or of a proxy's user."""

    name: str
    role: Role
    by: SignedInBy


LOOPBACK_CALLER = Caller("loopback", Role.EDITOR, SignedInBy.LOOPBACK)
