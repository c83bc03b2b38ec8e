"""The limits that docs/limits.md tells its reader to write are ones that taskqueue takes."""

import re
from pathlib import Path

import pytest
import yaml

from taskqueue.models.manifest import parse
from taskqueue.models.values import Limit
from taskqueue.sources.folder import load
from tests.support.docs.page import ROOT, blocks

PAGE = "docs/limits.md"
SPECS = re.findall(r"`(key: [^`]+)`", (ROOT / PAGE).read_text())


def test_manifests_of_the_page_fit_each_other(tmp_path: Path) -> None:
    (manifests,) = [block.text for block in blocks(PAGE) if block.language == "yaml"]
    (tmp_path / "all.yaml").write_text(manifests)
    desired = load(tmp_path)
    assert (desired.faults, desired.unresolved_limits) == ((), ())
    assert (len(desired.limits), len(desired.types), len(desired.users)) == (3, 1, 1)


@pytest.mark.parametrize("spec", SPECS)
def test_each_row_is_a_limit(spec: str) -> None:
    document = {"apiVersion": "taskqueue.dev/v1alpha1", "kind": "RateLimit", "metadata": {"name": "row"}}
    assert isinstance(parse({**document, "spec": yaml.safe_load(f"{{{spec}}}")}), Limit)


def test_page_has_ten_kinds_of_limits() -> None:
    assert len(SPECS) >= 10
