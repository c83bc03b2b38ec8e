"""What can go wrong with the store. Each docstring is the message a person sees."""

from redis.exceptions import RedisError


class StoreError(Exception):
    """The store refused or failed."""

    def __init__(self, detail: str = "") -> None:
        text = " ".join((self.__doc__ or "").split())
        super().__init__(f"{text} {detail}".strip())


class StoreUrlError(StoreError):
    """The Redis URL is not one of redis://, rediss://, unix://, redis+sentinel://host,host/service or redis+cluster://host."""


class CursorLostError(StoreError):
    """The store is installed but its cursor is gone: say from when to go on with `taskqueue cursor set`."""


class TypesMovedError(StoreError):
    """Somebody else changed the task types meanwhile: read them again."""


class DeposedError(StoreError):
    """Another leader has written since: this one must not write any more."""


class ForeignOwnerError(StoreError):
    """The release is kept by somebody else's manifests."""


class UnknownTypeError(StoreError):
    """There is no such task type."""


#: What a call raises when Redis is down, slow or cut off; nothing is known of the call's effect then.
UNREACHABLE = (RedisError, OSError, TimeoutError)
