"""Commands that read one key, each with the type of its answer.

A key that is missing reads as an empty hash, an empty list, or None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec

from taskqueue.store.wire import Argument, pairs, shaped

KeyType = Literal["string", "hash", "zset", "list"]

_Answer = TypeVar("_Answer")
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Command(Generic[_Answer]):
    """A command. key_type: of the key that it reads. decode: makes its answer of the client's."""

    words: tuple[Argument, ...]
    key_type: KeyType
    decode: Callable[[Any], _Answer]

    @property
    def key(self) -> str:
        return str(self.words[1])


_values = shaped(list[bytes | None])
_fields = shaped(dict[bytes, bytes])
_members = shaped(list[bytes])


def _value(answer: Any) -> bytes | None:
    value: bytes | None = msgspec.convert(answer, bytes | None)
    return value


def _score(answer: Any) -> float | None:
    value: float | None = msgspec.convert(answer, float | None)
    return value


def _scores(answer: Any) -> list[tuple[bytes, float]]:
    return [(member, float(score)) for member, score in pairs(_members(answer))]


def _is_there(answer: Any) -> bool:
    return answer is not None


_read_fields = shaped(tuple[int, dict[bytes, bytes]])


def _scanned_fields(answer: Any) -> tuple[int, list[tuple[bytes, bytes]]]:
    cursor, rows = _read_fields(answer)
    return cursor, list(rows.items())


def get(key: str) -> Command[bytes | None]:
    return Command(("GET", key), "string", _value)


def hget(key: str, field: str) -> Command[bytes | None]:
    return Command(("HGET", key, field), "hash", _value)


def hmget(key: str, *fields: str | bytes) -> Command[list[bytes | None]]:
    return Command(("HMGET", key, *fields), "hash", _values)


def hgetall(key: str) -> Command[dict[bytes, bytes]]:
    return Command(("HGETALL", key), "hash", _fields)


def hlen(key: str) -> Command[int]:
    return Command(("HLEN", key), "hash", int)


def zscore(key: str, member: str | bytes) -> Command[float | None]:
    return Command(("ZSCORE", key, member), "zset", _score)


def zmscore(key: str, *members: str) -> Command[list[float | None]]:
    return Command(("ZMSCORE", key, *members), "zset", shaped(list[float | None]))


def zrange(key: str, start: Argument, stop: Argument, *options: Argument) -> Command[list[bytes]]:
    return Command(("ZRANGE", key, start, stop, *options), "zset", _members)


def zrange_scores(
    key: str, start: Argument, stop: Argument, *options: Argument
) -> Command[list[tuple[bytes, float]]]:
    return Command(("ZRANGE", key, start, stop, *options, "WITHSCORES"), "zset", _scores)


def zcount(key: str, low: Argument, high: Argument) -> Command[int]:
    return Command(("ZCOUNT", key, low, high), "zset", int)


def zcard(key: str) -> Command[int]:
    return Command(("ZCARD", key), "zset", int)


def blpop(key: str, timeout_s: float) -> Command[bool]:
    """Take an element off a list, waiting less than the client does for an answer; False if none came."""
    return Command(("BLPOP", key, timeout_s), "list", _is_there)


@dataclass(frozen=True, slots=True)
class Scan(Generic[_Row]):
    """A walk over a key, `count` fields or members at a time."""

    words: tuple[Argument, Argument]
    key_type: KeyType
    decode: Callable[[Any], tuple[int, list[_Row]]]
    match: str
    count: int

    def at(self, cursor: Argument) -> Command[tuple[int, list[_Row]]]:
        """Return the command that reads the batch at a cursor, and answers with the next cursor, 0 at the end."""
        words = (*self.words, cursor, "MATCH", self.match, "COUNT", self.count)
        return Command(words, self.key_type, self.decode)


def hscan(key: str, count: int, match: str = "*") -> Scan[tuple[bytes, bytes]]:
    return Scan(("HSCAN", key), "hash", _scanned_fields, match, count)


def zscan(key: str, count: int, match: str = "*") -> Scan[tuple[bytes, float]]:
    return Scan(("ZSCAN", key), "zset", shaped(tuple[int, list[tuple[bytes, float]]]), match, count)


def type_of(key: str | bytes) -> Command[bytes]:
    """Ask for the type of a key, which may have any."""
    return Command(("TYPE", key), "string", shaped(bytes))


def zrevrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("ZREVRANGE", key, start, stop), "zset", _members)
