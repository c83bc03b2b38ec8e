"""Lists that several places must agree on: each is written down once, and every place follows it.

For each list there is a table of places, and a search of the sources for copies that the table does not know.
"""

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from taskqueue.models.outcome import RAN, Outcome
from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.values import CatchUp, ConcurrencyPolicy, LimitKey, Priority, Schedule, TaskType
from taskqueue.plan.lanes import WEIGHTS, Lane, lane_of, turns
from taskqueue.plan.worker import ALIVE_MS
from taskqueue.store.claim import CODES, REMEMBERED_OUTCOMES
from taskqueue.store.keys import Keys
from taskqueue.store.script import constants
from taskqueue_worker.task_types import BoundType
from tests.support.repo.sources import tree

ROOT = Path(__file__).parents[3]
SOURCES = [path for part in ("core", "operator", "worker") for path in (ROOT / part / "src").rglob("*.py")]
SYNC = TaskType("sync", Schedule(interval_s=60))
SCRIPTS = sorted((ROOT / "core/src/taskqueue/store/scripts").rglob("*.lua"))
SCRIPT_PARTS = ROOT / "core/src/taskqueue/store/scripts/lib"
SETTLE = SCRIPT_PARTS / "settle.lua"


def matches(pattern: str, path: Path) -> set[str]:
    return set(re.findall(pattern, path.read_text()))


def documented_labels() -> list[str]:
    (labels,) = matches(r"Jobs by type and outcome: (.+)\. \|", ROOT / "docs" / "configuration.md")
    return labels.split(", ")


def documented_outcomes() -> set[str]:
    page = (ROOT / "docs" / "handlers.md").read_text()
    table = page.partition("| outcome | |\n|---|---|\n")[2].partition("\n\n")[0]
    return {line.strip("| ").replace("`", "", 2).replace(" | ", ": ") for line in table.splitlines()}


def copies(words: Iterable[str], home: str, count: int) -> dict[str, set[str]]:
    """Return the modules other than `home` that spell `count` or more of these words as text constants."""
    wanted, found = set(words), {}
    for path in SOURCES:
        nodes = ast.walk(tree(path))
        spelled = {
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if len(spelled & wanted) >= count and not path.as_posix().endswith(home):
            found[path.name] = spelled & wanted
    return found


RETURNED = {outcome for outcome, letter in CODES.items() if letter == CODES[Outcome.RETURNED]}
#: A place -> the outcomes, or letters, found there, and the expected ones.
OUTCOME_PLACES: dict[str, Callable[[], tuple[Iterable[str], Iterable[str]]]] = {
    "labels of taskqueue_jobs_total": lambda: (BoundType(SYNC, None).counts, Outcome),
    "help of taskqueue_jobs_total": lambda: (documented_labels(), Outcome),
    "table of docs/handlers.md": lambda: (
        documented_outcomes(),
        [f"{one}: {one.meaning}" for one in Outcome],
    ),
    "letters of claim.py": lambda: (CODES, set(Outcome) - {Outcome.LOST}),
    "outcomes that ran": lambda: (RAN, set(CODES) - RETURNED),
    "letters that settle.lua reads": lambda: (
        # its last branch, and the done jobs, which come without a letter
        {*matches(r"outcome == '([a-z])'", SETTLE), CODES[Outcome.LIMITED], CODES[Outcome.DONE]},
        CODES.values(),
    ),
    "letters that scripts remember": lambda: (
        {
            letter
            for part in ("settle", "breaker")
            for letter in matches(r"remember_run\(.*, '(.)'\)", SCRIPT_PARTS / f"{part}.lua")
        },
        REMEMBERED_OUTCOMES,
    ),
}


@pytest.mark.parametrize("place", OUTCOME_PLACES)
def test_places_know_the_same_outcomes(place: str) -> None:
    named, expected = OUTCOME_PLACES[place]()
    assert set(named) == set(expected)


def test_outcomes_are_spelled_in_their_module_alone() -> None:
    # The others are names of totals in the store as well.
    assert copies({*RETURNED, Outcome.LIMITED}, "models/outcome.py", 2) == {}


def test_letters_of_outcomes_are_spelled_in_claim_alone() -> None:
    assert copies(set(CODES.values()), "store/claim.py", 3) == {}


def test_life_of_a_worker_is_written_in_its_module_alone() -> None:
    names = r"^(?:local )?_?\w*(?:ALIVE|SEEN)\w*_MS\b.*= *[\d_]+"
    places = [*SOURCES, *SETTLE.parents[1].rglob("*.lua")]
    written = [path.name for path in places if re.search(names, path.read_text(), re.MULTILINE)]
    assert written == ["worker.py"]
    assert f"local ALIVE_MS = {ALIVE_MS}\n" in constants()


def bounds_of_heartbeats(module: ast.Module) -> set[str]:
    """Return the constants in ms of all functions that read a worker's heartbeat."""
    found = set()
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.unparse(function)
            if re.search(r"\bworker\.seen_ms\b", text):
                found |= set(re.findall(r"\b_?[A-Z][A-Z_]*_MS\b|\b\d{2,3}_?000\b", text))
    return found


def test_heartbeats_are_compared_with_the_life_of_a_worker_alone() -> None:
    assert bounds_of_heartbeats(ast.parse("def f(worker): return 5 - worker.seen_ms < _RUNNING_MS")) == {
        "_RUNNING_MS"
    }
    assert set().union(*(bounds_of_heartbeats(tree(path)) for path in SOURCES)) == {"ALIVE_MS"}


def test_scripts_define_no_constant_that_python_gives_them() -> None:
    given = {
        name
        for names in re.findall(r"^local (.+?) = ", constants(), re.MULTILINE)
        for name in names.split(", ")
    }
    assert {"LANES", "MAX_COST", "CLOSED_MAX_US", "END_MS", "MAX_GENERATIONS", "WAITING_ROOM"} <= given
    defined = lua_words(r"(?m)^ *local ([\w, ]+) = ")
    assert {name for names in defined for name in names.split(", ")} & given == set()
    assert lua_words(r"\b(1e14|0, 9)\b") == set()


def test_bounds_of_rates_are_written_in_their_module_alone() -> None:
    bounds = (
        r"(?:\bRATE_(?:MIN|MAX)|PER_SECOND)\b(?:, \w+)* = [\d.]|[<>]= 1e-?\d\b|\bm(?:in|ax)=(?:0\.|1e|1_0)"
    )
    written = [path.name for path in [*SOURCES, *SCRIPTS] if matches(bounds, path)]
    assert written == ["quantity.py"]
    assert f"local MIN_PER_SECOND, MAX_PER_SECOND = {MIN_PER_SECOND}, {MAX_PER_SECOND}\n" in constants()


def crd_choices(field: str) -> list[str]:
    """Return the choices of a field of the definition of TaskType."""
    text = (ROOT / "crds" / "tasktypes.taskqueue.dev.yaml").read_text()
    block = re.search(rf"^( +){field}:\n((?:\1 +.*\n)+)", text, re.MULTILINE)
    assert block
    return re.findall(r"^ +- (\w+)$", block[2], re.MULTILINE)


def lua_table(name: str) -> list[str]:
    """Return the texts of a table that scripts take from Python."""
    (line,) = re.findall(rf"^local {name}\b.*$", constants(), re.MULTILINE)
    return re.findall(r"'(\w+)'", line)


def lua_words(pattern: str) -> set[str]:
    """Return all matches in the scripts as they are written."""
    return {word for path in SCRIPTS for word in matches(pattern, path)}


def listed(pattern: str, page: str) -> list[str]:
    """Return a list of words, separated by commas or colons, from a page."""
    (found,) = matches(pattern, ROOT / page)
    return re.split(r", | : ", found.replace("`", ""))


#: A place -> the lanes, or priorities, or weights, found there, and the expected ones.
LANE_PLACES: dict[str, Callable[[], tuple[Iterable[object], Iterable[object]]]] = {
    "weights": lambda: (WEIGHTS, Lane),
    "turns of claim": lambda: (turns(), Lane),
    "lanes of the scripts": lambda: (dict.fromkeys(lua_table("LANES")), Lane),
    "keys without a TTL": lambda: ([one for one in Lane if _permanent(f"ready:global:{one}")], Lane),
    "lanes of jobs on time": lambda: (map(lane_of, Priority), set(Lane) - {Lane.BACKFILL}),
    "priorities of the definition": lambda: (crd_choices("priority"), Priority),
    "docs/redis.md": lambda: (listed(r"Lanes: ([a-z, ]+) \|", "docs/redis.md"), Lane),
    "docs/glossary.md": lambda: (listed(r"Queue of waiting jobs: ([a-z, ]+);", "docs/glossary.md"), Lane),
    "weights in docs/autoscaling.md": lambda: (
        listed(r"share the starts ((?:\d+ : )+\d+)", "docs/autoscaling.md"),
        map(str, WEIGHTS.values()),
    ),
}


def _permanent(name: str) -> bool:
    keys = Keys("release")
    return keys.is_permanent(keys(name))


@pytest.mark.parametrize("place", LANE_PLACES)
def test_places_know_the_same_lanes(place: str) -> None:
    named, expected = LANE_PLACES[place]()
    assert set(named) == set(expected)


def test_lanes_are_spelled_in_their_module_alone() -> None:
    assert copies(Lane, "plan/lanes.py", 2) == {}
    assert lua_words(r"'(high|normal|low|backfill)'") == set()


#: A place -> the policies found there, and the expected ones.
POLICY_PLACES: dict[str, Callable[[], tuple[Iterable[str], Iterable[str]]]] = {
    "policies of the scripts": lambda: (lua_table("POLICIES"), ConcurrencyPolicy),
    # Replace is the last branch.
    "claim.lua": lambda: (
        lua_words(r"policy [=~]= '(\w+)'"),
        set(ConcurrencyPolicy) - {ConcurrencyPolicy.REPLACE},
    ),
    "definition": lambda: (crd_choices("concurrencyPolicy"), ConcurrencyPolicy),
    "docs/configuration.md": lambda: (
        listed(r"\| `concurrencyPolicy` \| `\w+` \| ([^|]+) \|", "docs/configuration.md"),
        ConcurrencyPolicy,
    ),
    "catch-up in the definition": lambda: (crd_choices("catchUp"), CatchUp),
    "keys of limits in docs/configuration.md": lambda: (
        listed(r"\| `key` \| required \| ([^|]+) \|", "docs/configuration.md"),
        LimitKey,
    ),
    "catch-up in docs/configuration.md": lambda: (
        listed(r"\| `catchUp` \| `\w+` \| ([^|]+) \|", "docs/configuration.md"),
        CatchUp,
    ),
}


@pytest.mark.parametrize("place", POLICY_PLACES)
def test_places_know_the_same_policies(place: str) -> None:
    named, expected = POLICY_PLACES[place]()
    assert set(named) == set(expected)


def test_policies_are_spelled_in_their_module_alone() -> None:
    assert copies(ConcurrencyPolicy, "models/values.py", 2) == {}
    assert copies(CatchUp, "models/values.py", 2) == {}
    assert copies(LimitKey, "models/values.py", 2) == {}
