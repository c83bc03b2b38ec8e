"""Every key has a bound or a TTL, and stands with its fields in the tables of docs/redis.md."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from taskqueue.plan.lanes import Lane
from taskqueue.store.keys import PERMANENT, Keys

KEYS = Keys("shop")
TABLE = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
SCRIPTS = "\n".join(
    re.sub(r"--.*", "", path.read_text())
    for path in sorted(Path(str(files("taskqueue.store"))).rglob("*.lua"))
)

#: One key for each pattern, and how the table writes it.
EXAMPLES = {
    r"config": ("config", "config"),
    r"installed": ("installed", "installed"),
    r"cursor": ("cursor", "cursor"),
    r"types": ("types", "types"),
    r"overrides": ("overrides", "overrides"),
    r"limits": ("limits", "limits"),
    r"limits:[^:]+": ("limits:shopify-shop", "limits:NAME"),
    r"changed_limits": ("changed_limits", "changed_limits"),
    r"users": ("users", "users"),
    r"paused_users": ("paused_users", "paused_users"),
    r"(subscriptions|runs):[^:]+": ("subscriptions:u-1", "subscriptions:USER"),
    r"schedule:[^:]+:\d+": ("schedule:sync:1", "schedule:TYPE:GENERATION"),
    r"variants": ("variants", "variants"),
    r"interval_changes": ("interval_changes", "interval_changes"),
    r"spread:.+": ("spread:c*/5 1-3 * * *@Europe/Berlin/300:free", "spread:CLASS"),
    r"ready:.+:(high|normal|low|backfill)": ("ready:type:sync:backfill", "ready:QUEUE:LANE"),
    r"lanes_(busy|due)": ("lanes_due", "lanes_busy"),
    r"lane_positions": ("lane_positions", "lane_positions"),
    r"beats": ("beats", "beats"),
    r"parked:.+": ("parked:global|user:a.b@c", r"parked:QUEUE\|LIMIT"),
    r"parked_jobs": ("parked_jobs", "parked_jobs"),
    r"behind": ("behind", "behind"),
    r"suspects": ("suspects", "suspects"),
    r"limits_free_at": ("limits_free_at", "limits_free_at"),
    r"leases": ("leases", "leases"),
    r"suspended": ("suspended", "suspended"),
    r"suspended:[^:]+": ("suspended:sync", "suspended:TYPE"),
    r"deaths": ("deaths", "deaths"),
    r"exclusive": ("exclusive", "exclusive"),
    r"attempts": ("attempts", "attempts"),
    r"payload": ("payload", "payload"),
    r"dead": ("dead", "dead"),
    r"dead:body": ("dead:body", "dead:body"),
    r"limits_closed_until": ("limits_closed_until", "limits_closed_until"),
    r"limiter": ("limiter", "limiter"),
    r"service_times": ("service_times", "service_times"),
    r"metrics": ("metrics", "metrics"),
    r"malformed": ("malformed", "malformed"),
    r"workers": ("workers", "workers"),
    r"handlers": ("handlers", "handlers"),
    r"writes": ("writes", "writes"),
}


def test_all_keys_of_a_release_share_one_hash_tag() -> None:
    assert KEYS("subscriptions", "u-1") == KEYS.subscriptions("u-1") == "taskqueue:{shop}:subscriptions:u-1"
    assert KEYS.schedule("sync", 2) == "taskqueue:{shop}:schedule:sync:2"
    assert [KEYS.ready("global", lane).removeprefix(KEYS.prefix + "ready:global:") for lane in Lane] == [
        "high",
        "normal",
        "low",
        "backfill",
    ]


def test_the_examples_cover_every_pattern() -> None:
    assert set(EXAMPLES) == set(PERMANENT)


@pytest.mark.parametrize(("key", "written"), EXAMPLES.values())
def test_a_permanent_key_is_known_and_stands_in_the_table(key: str, written: str) -> None:
    assert KEYS.is_permanent(KEYS.prefix + key)
    assert f"\n| `{written}`" in TABLE


@pytest.mark.parametrize(
    "key",
    [
        "claims:w",
        "enqueued:sync|u|~1",
        "wakeup_tokens",
        "tats:shopify-shop",
        "refused:app",
        "scan",
        "scan:moved:7",
    ],
)
def test_a_key_with_a_ttl_is_also_in_the_table(key: str) -> None:
    assert not KEYS.is_permanent(KEYS.prefix + key)
    assert f"\n| `{key.partition(':')[0]}" in TABLE


@pytest.mark.parametrize(
    "key", ["types", "taskqueue:{other}:types", "taskqueue:{shop}:typesX", "taskqueue:{shop}:ready:x"]
)
def test_other_keys_are_not_known(key: str) -> None:
    assert not KEYS.is_permanent(key)


def documented(key: str) -> set[str]:
    """Return the fields of a hash in the table of fields."""
    rows = re.findall(rf"^\| `{key}` \| (.*?) \|", TABLE.partition("## Fields")[2], re.MULTILINE)
    return {field for row in rows for field in re.findall(r"`(\w+)`", row)}


def used_fields(key: str) -> Iterator[str]:
    """Yield the names of fields in all commands of scripts that name the hash."""
    for found in re.finditer(rf"(?:P \.\. |number_at\()'{key}',", SCRIPTS):
        depth, end = 1, found.end()
        while depth:  # up to the end of the command
            depth += {"(": 1, ")": -1}.get(SCRIPTS[end], 0)
            end += 1
        yield from re.findall(r"'([a-z][a-z_]*)'", SCRIPTS[found.end() : end])
    if key == "limiter":
        yield from re.findall(r"'(\w+)'", SCRIPTS.partition("local NUMBERS = {")[2].partition("}")[0])


def test_keys_of_scripts_stand_in_the_table() -> None:
    keys = set(re.findall(r"P \.\. '([a-z_]+(?::[a-z_]+)?)", SCRIPTS)) - {
        "moving"
    }  # never exists, see lib/base.lua
    assert len(keys) > 20
    assert {key for key in keys if f"\n| `{key}" not in TABLE} == set()


@pytest.mark.parametrize(("key", "number"), [("config", 7), ("limiter", 14)])
def test_fields_of_scripts_stand_in_the_table(key: str, number: int) -> None:
    assert documented(key) == set(used_fields(key))
    assert len(documented(key)) == number
    assert re.search(rf"\n\| `{key}` \| HASH \|.*\| {number} fields \|\n", TABLE)
