"""Handlers that raise anything: every slot lives, every result can be stored, and good jobs are done."""

import asyncio
import builtins
import math
import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.handlers.verdict import RATE_LIMITED_MAX_S, RATE_LIMITED_MIN_S, RETRY_LATER_MAX_S
from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import CODES, Result
from taskqueue.text import printable
from tests.support.site.worker_slots import SlotsUnderTest

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ", "300"))


class Raises:
    """An object that answers no question."""

    def _refuse(self, *_: Any) -> Any:
        raise KeyboardInterrupt

    __str__ = __repr__ = __bool__ = __float__ = __int__ = __len__ = __eq__ = __hash__ = __gt__ = _refuse


class Text(str):
    """A text with the behaviour of another type."""

    __slots__ = ()

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __format__ = encode = split = __str__  # type: ignore[assignment]


TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\ud800", "\x00", "x" * 100_000, Text("\udfff"), ""]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 1795977600, math.nan, math.inf, -0.0, 5e-324, 2**63, True])
)
VALUES = TEXTS | NUMBERS | st.none() | st.binary(max_size=9) | st.builds(Raises) | st.builds(object)
CLASSES = [
    found
    for found in vars(builtins).values()
    if isinstance(found, type)
    and issubclass(found, BaseException)
    and not issubclass(found, BaseExceptionGroup)
]
ANY_ARGS = st.lists(VALUES, max_size=3)


def built(make: Callable[..., BaseException], *args: Any) -> BaseException:
    """Make an exception as a handler would; an exception that refuses its arguments is raised instead."""
    try:
        return make(*args)
    except BaseException as error:  # noqa: BLE001 - that is what the handler raises, too
        return error


def changed(error: BaseException, attributes: dict[str, Any]) -> BaseException:
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


OUTCOMES = st.one_of(
    st.builds(built, st.just(Discard), VALUES),
    st.builds(built, st.just(RetryLater), VALUES, VALUES),
    st.builds(built, st.just(RateLimited), VALUES, st.sampled_from(["app", "", "global"]) | VALUES),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["reason", "after_s", "retry_after_s", "limit"]), VALUES)
ERRORS = st.one_of(
    st.builds(lambda make, args: built(make, *args), st.sampled_from(CLASSES), ANY_ARGS),
    OUTCOMES,
    st.builds(changed, OUTCOMES, ATTRIBUTES),
    st.builds(lambda error: built(BaseExceptionGroup, "several", [error]), OUTCOMES),
    st.just(asyncio.CancelledError()),
)
#: What a handler does before it raises.
DEEDS = st.sampled_from(["nothing", "cancel", "cancel later", "leave a task", "cancel and forget", "yield"])


async def good(_: Job) -> None:
    await asyncio.sleep(0)


def hostile(error: BaseException, deed: str) -> Callable[[Job], Coroutine[Any, Any, object]]:
    async def handle(_: Job) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        if deed.startswith("cancel"):
            loop.call_soon(task.cancel) if deed == "cancel later" else task.cancel()
        if deed == "cancel and forget":
            task.uncancel()
        if deed == "leave a task":
            loop.create_task(good(_))
        if deed == "yield":
            await asyncio.sleep(0)
        raise error

    return handle


def check(result: Result) -> None:
    """Check numbers and texts against the limits of the script and of Lua."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(tuple(result))) == list(result)
    assert result.outcome in CODES.keys() - {Outcome.DONE}
    assert type(result.text) is str
    assert "\x00" not in result.text
    assert len(result.text) <= printable.MAX_CHARACTERS
    assert type(result.wait_ms) is int
    assert type(result.ran_us) is int
    assert 0 <= result.ran_us < 2**53
    if result.outcome is Outcome.LIMITED:
        assert result.text in ("", "global")
        assert RATE_LIMITED_MIN_S * 1000 <= result.wait_ms <= RATE_LIMITED_MAX_S * 1000
    else:
        assert 0 <= result.wait_ms <= RETRY_LATER_MAX_S * 1000


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        # What a deed leaves behind is reported to nobody.
        opened.get_loop().set_exception_handler(lambda *_: None)
        yield opened


@settings(max_examples=EXAMPLES, deadline=None)
@given(attacks=st.lists(st.tuples(ERRORS, DEEDS), min_size=1, max_size=6))
def test_no_slot_ends(runner: asyncio.Runner, attacks: list[tuple[BaseException, str]]) -> None:
    async def attack() -> None:
        async with SlotsUnderTest(2) as bench:
            for turn, (error, deed) in enumerate(attacks):
                check(await bench.run(f"sync|hostile|60|0|0|w|{turn}", hostile(error, deed)))
                beside = await bench.run(f"sync|good|60|0|0|w|{turn}", good)
                if deed == "cancel later" and beside.outcome is not Outcome.DONE:
                    # It was cancelled from outside, as it seems to the slot; once, and then never again.
                    assert beside.outcome in (Outcome.RETURNED, Outcome.RETRIED)
                    beside = await bench.run(f"sync|good|60|0|0|w|{turn}", good)
                assert beside.outcome is Outcome.DONE
            assert bench.slots.alive == 2

    runner.run(attack())
