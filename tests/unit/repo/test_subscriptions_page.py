"""The manifests and imports on docs/subscriptions.md are ones that taskqueue takes."""

import json
from pathlib import Path

from taskqueue.models.fault import Fault
from taskqueue.models.offered_intervals import find_not_offered
from taskqueue.sources.folder import load
from taskqueue.sources.users_file import read_users
from tests.support.docs.page import blocks

TEXTS = {block.language: block.text for block in blocks("docs/subscriptions.md")}


def test_manifests_and_imports_of_the_page_fit_each_other(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(TEXTS["yaml"])
    desired = load(tmp_path)
    assert (desired.faults, desired.unresolved, desired.not_offered) == ((), (), ())
    (tmp_path / "users.csv").write_text(TEXTS["csv"])
    (tmp_path / "users.ndjson").write_text(json.dumps(json.loads(TEXTS["json"])))
    zones = {}
    for file in ("users.csv", "users.ndjson"):
        for _, user in read_users(tmp_path / file):
            assert not isinstance(user, Fault)
            assert find_not_offered(user, desired.types) == {}
            assert user.user_id != "shop-7" or user == desired.users["shop-7"], (
                "the same by manifest and import"
            )
            zones[user.user_id] = user.time_zone
    assert zones == {"shop-7": "Asia/Tokyo", "shop-8": "Europe/Berlin", "shop-9": "Europe/Berlin"}
