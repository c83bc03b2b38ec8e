"""Kubeconfigs of any content: they give credentials or are refused, and raise nothing else.

TASKQUEUE_FUZZ is the number of kubeconfigs: 300 with every change, 100,000 in `make fuzz`.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue_operator.access.credentials import Credentials
from taskqueue_operator.access.kubeconfig import Cluster, KubeconfigError, User, read_kubeconfig

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
FIELDS = [*Cluster.__struct_encode_fields__, *User.__struct_encode_fields__]

texts = st.sampled_from(
    ["", "a", "https://x", "http://[", "bm8=", "\0", "/", ".", "é", "-----BEGIN CERTIFICATE-----"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=8)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)
)
entries = st.dictionaries(st.sampled_from(FIELDS), texts | values, max_size=5)


@st.composite
def kubeconfigs(draw: st.DrawFn) -> bytes:
    """Draw a file that is nearly a kubeconfig."""
    server = draw(texts | values)
    document: Any = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **draw(entries)}}],
        "users": [{"name": "u", "user": draw(entries)}],
    }
    if draw(st.integers(0, 9)) == 0:
        document[draw(st.sampled_from(list(document)))] = draw(values)
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=kubeconfigs() | st.binary(max_size=64) | values.map(lambda value: json.dumps(value).encode()))
def test_kubeconfigs_are_read_or_refused(content: bytes, tmp_path: Path, runner: asyncio.Runner) -> None:
    (path := tmp_path / "kubeconfig").write_bytes(content)
    try:
        cluster, user = read_kubeconfig([path])
        if user.plugin:
            return
        credentials = Credentials(cluster, user)
        runner.run(credentials.read())
    except KubeconfigError:
        return
    assert credentials.authorization.isascii()
    assert credentials.server == cluster.server.rstrip("/")
