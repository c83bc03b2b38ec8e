"""Lines of a watch, broken as an API server, a proxy or a tenant may break them: kopf can decode each, or lists anew.

TASKQUEUE_FUZZ is the number of lines: 300 with every change, 100,000 in `make fuzz`.
"""

import copy
import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.models.nesting import SAFE_DEPTH, is_deeper
from taskqueue_operator.items import decode
from taskqueue_operator.kopf_watch.lines import EXPIRED, checked
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Kind
from tests.support.manifests.broken import EDITS, VALID, broken_manifests, odd_values

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
KINDS: tuple[Kind, ...] = ("TaskType", "UserSubscription")
#: What the API server adds to an object, and what may stand there instead.
METADATA: dict[str, Any] = {
    "uid": "4f1c",
    "resourceVersion": "7",
    "generation": 1,
    "creationTimestamp": "2026-11-29T00:00:00Z",
    "managedFields": [{"fieldsV1": {"f:spec": {"f:params": {}}}}],
}
types = st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "", "added"]) | st.text(
    max_size=5
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """An event of a broken object, some of them broken as text."""
    document = draw(broken_manifests() | st.sampled_from(VALID).map(copy.deepcopy) | odd_values)
    if isinstance(document, dict) and isinstance(document.get("metadata"), dict):
        document["metadata"] |= copy.deepcopy(METADATA)
        if draw(st.booleans()):
            document["metadata"][draw(st.sampled_from([*METADATA, "name"]))] = draw(odd_values)
        if draw(st.booleans()):
            document["status"] = draw(odd_values)
    event = {"type": draw(types | odd_values), "object": document}
    line = json.dumps(event, default=str, skipkeys=True).encode()
    for at, length, written in draw(st.lists(EDITS, max_size=2)):
        start = at % (len(line) + 1)
        line = line[:start] + written + line[start + length :]
    return line.replace(b"\n", b" ")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(lines(), max_size=3))
def test_a_broken_line_of_a_watch_becomes_an_object_or_a_new_list(told: list[bytes]) -> None:
    table = ObjectTable()
    for line in told:
        handed_on = checked(line)
        if handed_on in {b"", EXPIRED}:
            continue
        assert handed_on.count(b"\n") == 1
        assert not is_deeper(handed_on, SAFE_DEPTH)
        event = json.loads(handed_on)  # as kopf does
        raw = event["object"]
        if event["type"] == "BOOKMARK":
            continue
        for kind in KINDS:
            if event["type"] == "DELETED":
                table.drop(kind, raw["metadata"]["name"], raw["metadata"]["uid"])
            else:
                table.put(kind, decode(raw["text"].encode()))
    for fault in table.desired().faults:
        assert fault.message
        assert fault.message.isprintable()
