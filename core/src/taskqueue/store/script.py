"""Scripts: each with the type of its answer, its text with the shared parts that its header names, and its digest."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.values import CLOSED_MAX_S, MAX_COST, ConcurrencyPolicy, Priority
from taskqueue.plan.lanes import Lane, lane_of, turns
from taskqueue.plan.limiter import BUCKET_SLACK_US, HORIZON_US, OWN_STRETCH, STRETCH, TOLERANCE_US
from taskqueue.plan.worker import ALIVE_MS
from taskqueue.store.scalars import END_MS, MAX_GENERATIONS, WAITING_ROOM

_SCRIPTS = files("taskqueue.store") / "scripts"
_COMMAND = re.compile(r"\b(?:redis|server)\.p?call\('([A-Z]+)'")
#: Parts of every script: `base` in a header stands for them.
BASE = ("base", "malformed", "scalars", "counters", "job_name")
_USES = re.compile(r"^-- uses:((?: \w+)+)$", re.MULTILINE)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Script(Generic[_Answer]):
    """A script by its name. decode: makes its answer of the client's; raises ValueError for one of another shape."""

    name: str
    decode: Callable[[Any], _Answer]


def part(name: str) -> str:
    """Read the text of one shared part.

    A seam for tests: they replace this function to give scripts a clock that stands still until it is moved, in place
    of `clock_us` in lib/base.lua (tests/support/store/script_clock.py).
    """
    return (_SCRIPTS / "lib" / f"{name}.lua").read_text()


@cache
def source(name: str) -> str:
    """Return the whole text of script `name`: the parts of `-- uses:` in that order, then its own body.

    In front stand COMMANDS, a list of all commands that it calls, and the constants of `constants`. What follows BASE
    is a function of its own: for each local that a new function refers to, Lua searches the locals of the function that
    runs, and nearly all functions refer to BASE. So a call of claim without jobs costs a sixth less.
    """
    body = (_SCRIPTS / f"{name}.lua").read_text()
    uses = _USES.search(body)
    _, *others = uses.group(1).split() if uses else BASE
    texts = [*map(part, BASE), "return (function()", *map(part, others), body, "end)()\n"]
    text = "\n".join(texts)
    commands = _strings(sorted({*_COMMAND.findall(text)}))
    return f"local COMMANDS = {commands}\n{constants()}{text}"


def constants() -> str:
    """Return the constants that scripts take from Python, as Lua.

    TURNS: the lanes, as indices of LANES, in the order in which they start jobs.
    """
    lanes = list(Lane)
    order = ", ".join(str(lanes.index(lane) + 1) for lane in turns())
    return (
        f"local LANES, DEFAULT_LANE = {_strings(lanes)}, '{lane_of(Priority.NORMAL)}'\n"
        f"local TURNS = {{ {order} }}\n"
        f"local POLICIES = {_strings(ConcurrencyPolicy)}\n"
        f"local STRETCH, OWN_STRETCH = {STRETCH}, {OWN_STRETCH}\n"
        f"local HORIZON_US, TOLERANCE_US, SLACK_US = {HORIZON_US}, {TOLERANCE_US}, {BUCKET_SLACK_US}\n"
        f"local MIN_PER_SECOND, MAX_PER_SECOND = {MIN_PER_SECOND}, {MAX_PER_SECOND}\n"
        f"local ALIVE_MS = {ALIVE_MS}\n"
        f"local MAX_COST = {MAX_COST}\n"
        f"local CLOSED_MAX_US = {CLOSED_MAX_S * 1_000_000}\n"
        f"local END_MS = {END_MS}\n"
        f"local MAX_GENERATIONS, WAITING_ROOM = {MAX_GENERATIONS}, {WAITING_ROOM}\n"
    )


def _strings(values: Iterable[str]) -> str:
    """Return a Lua table of strings."""
    return "{ " + ", ".join(f"'{value}'" for value in values) + " }"


@cache
def digest(name: str) -> str:
    """Return the SHA-1 by which a server that has loaded script `name` knows it."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()
