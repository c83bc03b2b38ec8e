"""Every authentication of a kubeconfig: the operator lists, watches and writes status with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubernetes import kubeconfig
from tests.support.kubernetes.shop import Shop, subscription, task_type
from tests.support.site.site import until

PLUGIN = """#!/bin/sh
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
  "status": {"token": "%s"}}' "$(cat token)"
"""


def user_of(way: str, token: str, folder: Path) -> dict[str, Any]:
    """Write the files of one authentication."""
    (folder / "token").write_text(token)
    (folder / "plugin").write_text(PLUGIN.replace("cat token", f"cat {folder / 'token'}"))
    (folder / "plugin").chmod(0o700)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
    ways: dict[str, dict[str, Any]] = {
        "a token file": {"tokenFile": "token"},
        "a program": {"exec": {**plugin, "command": str(folder / "plugin")}},
    }
    return ways[way]


@pytest.mark.parametrize("way", ["a token file", "a program"])
async def test_the_operator_works_with(way: str, shop: Shop, tmp_path: Path) -> None:
    right = json.loads(shop.kubeconfig.read_text())
    user = user_of(way, right["users"][0]["user"]["token"], tmp_path)
    shop.kubeconfig = kubeconfig.write(
        tmp_path / "kubeconfig", right["clusters"][0]["cluster"], user, shop.namespace
    )
    await shop.apply(task_type("sync"), subscription("ada", "sync"))
    await shop.operator()
    await shop.statuses_current()
    await shop.apply(subscription("bob", "sync"))  # seen by the watch: a list comes only in minutes

    async def known() -> bool:
        return await shop.owners() == {"ada", "bob"}

    await until("bob is published", known, 10)
