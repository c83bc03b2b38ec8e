"""A connection that breaks as it is closed is no error of the call that had it closed."""

import pytest
from redis.asyncio import ConnectionPool

from taskqueue.store.command import get
from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreUnavailable


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), RuntimeError("handler is closed"), OSError(9)]
)
async def test_a_connection_broken_during_its_close_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = open_store("redis://127.0.0.1:1/0")

    async def breaks(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ConnectionPool, "disconnect", breaks)
    with pytest.raises(StoreUnavailable, match="Connect call failed"):
        await store.read(get("x"))
    await store.close()
