"""Errors of the store: one tree, with no error of the Redis client in it.

    StoreError
      StoreFailure        a call failed, and its effect is unknown
        StoreUnavailable  no answer
        StoreRefused      an answer that is an error, of one of these classes or another:
          LoginRefused, RightMissing, StoreFull, WrongKeyType, ScriptFailed
        StoreCorrupt      a record that cannot be read
      the refusals of a verb: CursorLostError, TypesMovedError, ...

A message is the class's docstring, with a name or the server's own words.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from redis import exceptions as client

from taskqueue.errors import TaskqueueError, with_detail

#: Errors that the Redis client raises. RedisClusterException is no RedisError; IncompleteReadError is an EOFError;
#: uvloop raises RuntimeError for a connection closed between two writes. The last row is for answers of another form
#: than the command has: from a proxy, or from a server of another kind.
CLIENT_ERRORS = (
    client.RedisError,
    client.RedisClusterException,
    *(OSError, TimeoutError, EOFError, RuntimeError),
    *(TypeError, ValueError, LookupError, AttributeError),
)

#: The client's class for an error that the server answered.
SERVER_ERROR = client.ResponseError

#: Answers of a server that is no primary any more, or may not act as one.
_NOT_PRIMARY = ("READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING")
_ANSWERS = (
    SERVER_ERROR,
    client.AuthenticationError,
    client.AuthorizationError,
    client.BusyLoadingError,
    client.InvalidResponse,
    client.DataError,  # an argument that cannot be sent: no server was asked
)

#: An answer that the client takes for a connection that broke.
_FULL = "max number of clients reached"
_NOT_OF_REDIS = (TypeError, ValueError, LookupError, AttributeError)

#: The line of Python's own C code in an error of TLS.
_PLACE_IN_C = re.compile(r" \(_ssl\.c:\d+\)")
#: A user name may be a token.
_OF_USER = re.compile(r"\bUser \S+ has(?= no permission)")

_Value = TypeVar("_Value")


class StoreError(TaskqueueError):
    """The store refused or failed."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(with_detail(" ".join((self.__doc__ or "").split()), detail))


class StoreFailure(StoreError):
    """A call of the store failed."""


class StoreUnavailable(StoreFailure):
    """The store does not answer."""


class StoreRefused(StoreFailure):
    """The store refused."""


class LoginRefused(StoreRefused):
    """The store refused the login: correct the user name and the password in the Redis URL."""


class RightMissing(StoreRefused):
    """The store refused: the login must have every right that docs/redis.md lists."""


class StoreFull(StoreRefused):
    """The store refused, being full: raise its maxmemory."""


class WrongKeyType(StoreRefused):
    """The store refused: a key is of another type than its command reads."""


class ScriptFailed(StoreRefused):
    """The store refused: a script of taskqueue failed on this server."""


class StoreCorrupt(StoreFailure):
    """The store holds a record that cannot be read."""


class StoreUrlError(StoreError):
    """The Redis URL cannot be used."""


class ClientClosedError(StoreError):
    """The client is closed: open another one."""


class OtherLoopError(StoreError):
    """The client belongs to the event loop of its first call: open another one in each `asyncio.run`."""


class CursorLostError(StoreError):
    """The store is installed but its cursor is gone: say from when to go on with `taskqueue cursor set`."""


class TypesMovedError(StoreError):
    """The task types were changed by another process meanwhile: read them again."""


class DeposedError(StoreError):
    """Another leader has written since: this one must not write any more."""


class ForeignOwnerError(StoreError):
    """The release is kept by the manifests of another owner."""


class UserOwnedError(StoreError):
    """The user's subscriptions are written by another source."""


class PreconditionFailedError(StoreError):
    """The user is not in the state that this write depends on: read the user, and decide again."""


class TooManyRemovalsError(StoreError):
    """Many users would be removed at once, so none was removed."""


class TooManySubscriptionsError(StoreError):
    """The user has too many subscriptions."""


class LockedParamsError(StoreError):
    """The params override params that the task type locks."""


class UnknownTypeError(StoreError):
    """There is no such task type."""


class UnknownUserError(StoreError):
    """There is no such user."""


#: Answers by their first words.
_BY_FIRST_WORDS: Mapping[str, type[StoreRefused]] = {
    "WRONGPASS": LoginRefused,
    "NOAUTH": LoginRefused,
    "ERR AUTH": LoginRefused,
    "NOPERM": RightMissing,
    "ERR ACL failure in script": RightMissing,
    "ERR The user executing the script": RightMissing,  # so says Redis 7.0
    "OOM": StoreFull,
    "WRONGTYPE": WrongKeyType,
}
#: In the answer of a script that raised an error; with another first word than ERR, such as READONLY, it is the
#: server's refusal of a command in the script.
_OF_SCRIPT = "user_script"


def translate(error: BaseException) -> StoreFailure:
    """Return our error for one of CLIENT_ERRORS; a refusal keeps the server's own words."""
    error = _origin(error)
    text = _PLACE_IN_C.sub("", " ".join(str(error).split())) or _silence(error)
    text = _OF_USER.sub("this user has", text)
    if isinstance(error, _NOT_OF_REDIS):
        return StoreRefused(f"its answer cannot be read ({text})")
    if isinstance(error, _ANSWERS) or text.startswith(_FULL):
        return _refusal(f"{_code(error)} {text}".strip())
    return StoreUnavailable(text)


def _refusal(text: str) -> StoreRefused:
    """Return the refusal that an answer's first words, or a line of a script, name."""
    for words, refusal in _BY_FIRST_WORDS.items():
        if text.startswith(words):
            return refusal(text)
    is_failed = text.startswith("ERR ") and _OF_SCRIPT in text
    return ScriptFailed(text) if is_failed else StoreRefused(text)


def _silence(error: BaseException) -> str:
    """Return words for an error that has none."""
    return "no answer in time" if isinstance(error, TimeoutError) else "no reason given"


def _origin(error: BaseException) -> BaseException:
    """Return the answer of a cluster's node, which the client wraps in a sentence of its own."""
    while isinstance(error, client.RedisClusterException) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__ or error
    return error


def owned_elsewhere(source: str) -> UserOwnedError:
    """Make the error for a user whom a source other than applications writes."""
    return UserOwnedError(f"Its source is {source}: change the user there.")


def is_not_primary(error: BaseException) -> bool:
    """Tell whether a call failed as calls to a former primary fail: by silence, or by an answer of _NOT_PRIMARY."""
    if isinstance(error, client.MaxConnectionsError):
        return False
    return not isinstance(error, _ANSWERS) or f"{_code(error)} {error}".strip().startswith(_NOT_PRIMARY)


def _code(error: BaseException) -> str:
    """Return the first word of the server's answer, which the client takes off where it knows the word."""
    return getattr(error, "status_code", None) or ""


def decoded(decode: Callable[[bytes], _Value], value: bytes, name: str) -> _Value:
    """Decode the value that the store has as `name`. Raises StoreCorrupt."""
    try:
        return decode(value)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise StoreCorrupt(name) from error
