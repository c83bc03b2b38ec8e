"""A clock for the store's Lua scripts which stands still until a test moves it, one for each release.

The text of `clock_us` in lib/base.lua is replaced when a script is loaded (see `taskqueue.store.script.part`): it
reads a key beside those of the release, and the server's own clock where there is no such key. Keys with a TTL would
run out by the server's clock; they are kept for an hour longer, and removed when this clock has passed their end.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from taskqueue.store import script
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskqueue.store.connection import Store

#: Where a clock begins: 2027-01-15 08:00:00.123 UTC, no round second and no round millisecond.
BEGIN_US = 1_800_000_000_123_456

_CLOCK_US = """\
local server, clock = redis, 'clock:' .. P
local function clock_us()
  local us = server.call('GET', clock)
  if us then return tonumber(us) end
  clock = nil
  local time = server.call('TIME')
  return time[1] * 1000000 + time[2]
end
local unknown = { EXPIRE = true, EXPIREAT = true, PEXPIREAT = true, SETEX = true, PSETEX = true, GETEX = true }
local function on_this_clock(call) return function(command, ...)
  assert(not unknown[command], 'tests/support/store/script_clock.py must learn what ' .. command .. ' does')
  local words, at = { ... }, command == 'PEXPIRE' and 2 or nil
  for i = 3, command == 'SET' and #words or 0 do
    assert(words[i] ~= 'EX', 'tests/support/store/script_clock.py must learn what SET ... EX does')
    if words[i] == 'PX' then at = i + 1 end
  end
  if not clock or not at then return call(command, ...) end
  local end_ms = math.floor(clock_us() / 1000) + words[at]
  words[at] = words[at] + 3600000
  local answer = call(command, unpack(words))
  if answer then
    server.call('ZADD', clock .. ':ends', string.format('%.0f', end_ms), words[1])
    server.call('PEXPIRE', clock .. ':ends', 3600000)
  end
  return answer
end end
local redis = {
  call = on_this_clock(server.call), pcall = on_this_clock(server.pcall), error_reply = server.error_reply,
}
"""
_PART = script.part
_SET = """\
redis.call('SET', KEYS[1], ARGV[1], 'PX', 3600000)
local ends = KEYS[1] .. ':ends'
for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', math.floor(ARGV[1] / 1000))) do
  redis.call('DEL', key)
  redis.call('ZREM', ends, key)
end
"""


class ScriptClock:
    """The clock of one release: stopped by the first `set`, moved by `set` and `advance`, ended by `remove`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = f"clock:{store.keys.prefix}"
        self.now_us = BEGIN_US

    @property
    def now_ms(self) -> int:
        return self.now_us // 1000

    def monotonic(self) -> float:
        """Return seconds, for code under test that reads `time.monotonic`."""
        return self.now_us / 1e6

    async def set(self, now_us: int) -> None:
        await raw(self._store).eval(_SET, 1, self._key, now_us)
        self.now_us = now_us  # what reads `monotonic` is behind the scripts, never ahead of them

    async def remove(self) -> None:
        """Give the scripts the server's clock again."""
        await raw(self._store).unlink(self._key, f"{self._key}:ends")

    async def advance(self, *, us: int = 0, ms: int = 0, s: int = 0) -> None:
        await self.set(self.now_us + us + 1_000 * ms + 1_000_000 * s)

    async def end_ms(self, key: str) -> int | None:
        """Return when a key with a TTL ends, in ms of this clock; None where it has none."""
        end: float | None = await raw(self._store).zscore(f"{self._key}:ends", key)
        return None if end is None else int(end)


@contextmanager
def replaced() -> Iterator[None]:
    """Load all scripts with such a clock."""
    original = script.part

    def part(name: str) -> str:
        text = original(name)
        if name != "base":
            return text
        text, found = re.subn(
            r"^local function clock_us\(\)\n.*?^end\n",
            lambda _: _CLOCK_US,
            text,
            flags=re.MULTILINE | re.DOTALL,
        )
        assert found == 1, "lib/base.lua has one clock_us"
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "part", part)
        _forget()
        yield
    _forget()


@contextmanager
def as_shipped() -> Iterator[None]:
    """Load all scripts as they are, also after `replaced`: for a test of the commands that they call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "part", _PART)
        _forget()
        yield
    _forget()


def _forget() -> None:
    for one in vars(script).values():
        getattr(one, "cache_clear", lambda: None)()
