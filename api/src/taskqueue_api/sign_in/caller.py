"""Callers: who a request is from, and what its role allows."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """viewer: reads. editor: writes, too."""

    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Caller:
    """name: of the token, or of the user whom a proxy names.   by: the kind of the sign-in."""

    name: str
    role: Role
    by: str
