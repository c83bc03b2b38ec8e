"""Make the shops' subscriptions to the types in this folder, always the same ones.

    python examples/apis/make_users.py --users 2000 --out users.ndjson

Whether user n takes a type follows from n and the type's name alone: 1,000 users are the first 1,000 of 2,000. The
demand of each limit is printed at the end; tests/unit/repo/test_example_apis.py holds it to 50 to 85 % of the limit.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

APIS = Path(__file__).parent
UNIT_S = {"h": 3600, "m": 60, "s": 1}
# How many of 100 users take a type, by its interval: few need their data every minute.
SHARES = {60: 16, 120: 20, 300: 28, 600: 40, 900: 50, 1800: 60, 3600: 60, 86_400: 14}
# Every twentieth shop is a large one: ten times the requests, for which its bucket has values of its own.
LARGE_EVERY = 20
LARGE_LIMITS = [{"name": "shopify-shop", "rate": {"requests": 20, "per": "1s"}, "burst": 400}]


@dataclass(frozen=True, slots=True)
class Type:
    """The part of a type file that matters here. rate: requests per second of one subscription."""

    name: str
    interval_s: int
    rate: float
    limits: tuple[str, ...]


def read(kind: str, folder: Path = APIS) -> list[dict[str, Any]]:
    """Read all documents of a kind, sorted by name: adding a file must not change the order of other documents."""
    documents = (
        document for path in folder.glob("*.yaml") for document in yaml.safe_load_all(path.read_text())
    )
    found = (document for document in documents if document["kind"] == kind)
    return sorted(found, key=lambda document: str(document["metadata"]["name"]))


def read_types() -> list[Type]:
    return [
        Type(
            document["metadata"]["name"],
            interval_s := seconds(document["spec"]["schedule"]["interval"]),
            document["spec"].get("cost", 1) / interval_s,
            tuple(limit["name"] for limit in document["spec"].get("limits", ())),
        )
        for document in read("TaskType")
    ]


def seconds(duration: str) -> int:
    """Read a duration such as 1h30m."""
    return sum(int(number) * UNIT_S[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def takes(name: str, each: Type) -> bool:
    """Tell whether a user has a type."""
    drawn = int.from_bytes(blake2b(f"{name}/{each.name}".encode(), digest_size=8).digest(), "big")
    return drawn % 100 < SHARES[each.interval_s]


def make_users(count: int, types: list[Type]) -> Iterator[dict[str, Any]]:
    """Make the UserSubscriptions of users 1 to `count`."""
    for number in range(1, count + 1):
        name = f"shop-{number:04}"
        spec: dict[str, Any] = {"tasks": [{"type": each.name} for each in types if takes(name, each)]}
        if number % LARGE_EVERY == 0:
            spec["limits"] = LARGE_LIMITS
        yield {
            "apiVersion": "taskqueue.dev/v1alpha1",
            "kind": "UserSubscription",
            "metadata": {"name": name},
            "spec": spec,
        }


def demand(users: Iterable[dict[str, Any]], types: list[Type]) -> dict[str, float]:
    """Compute the mean requests per second at each limit, those within it included; "" for those without a limit."""
    counts = Counter(task["type"] for user in users for task in user["spec"]["tasks"])
    around = {limit["metadata"]["name"]: limit["spec"].get("within") for limit in read("RateLimit")}
    found: dict[str, float] = {}
    for each in types:
        path = set(each.limits) | {around[name] for name in each.limits if around[name]} or {""}
        for name in path:
            found[name] = found.get(name, 0) + counts[each.name] * each.rate
    return dict(sorted(found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=2_000, help="how many (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, one user a line")
    options = parser.parse_args()
    types = read_types()
    users = list(make_users(options.users, types))
    with options.out.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(user, separators=(",", ":")) + "\n" for user in users)
    tasks = sum(len(user["spec"]["tasks"]) for user in users)
    print(f"{len(users)} users, {tasks} tasks of {len(types)} types, requests/s:", file=sys.stderr)
    for name, per_second in demand(users, types).items():
        print(f"  {name or 'no limit':18} {per_second:8.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
