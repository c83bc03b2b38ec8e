"""The last run of each subscription of a user."""

import re
from functools import partial

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import REMEMBERED_OUTCOMES
from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.malformed import location_of
from taskqueue.store.user_key import escape_user

_RUN = re.compile(rf"([{''.join(REMEMBERED_OUTCOMES)}])([0-9]{{1,11}})(?:(?:\|[0-9]{{1,16}}){{3}})?".encode())


async def read_runs(store: Store, user: str) -> dict[str, tuple[Outcome, int]]:
    """Read the last outcome, done or dead, and its time (epoch s) by type."""
    rows = await store.read(hgetall(store.keys.runs(user)))
    runs = {
        name: store.malformed.read(location_of(f"runs:{escape_user(user)}", name), partial(read_run, value))
        for name, value in rows.items()
    }
    return {name.decode("ascii", "replace"): run for name, run in runs.items() if run}


def read_run(value: bytes) -> tuple[Outcome, int]:
    """Read an outcome and its time. Raises any error of UNREADABLE."""
    found = _RUN.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return REMEMBERED_OUTCOMES[found[1].decode()], int(found[2])
