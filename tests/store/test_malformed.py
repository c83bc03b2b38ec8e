"""A value that cannot be read is skipped and named; everything else goes on."""

import pytest

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.inspection import inspect
from taskqueue.store.repair import forget_notes, read_notes, repair
from taskqueue.store.types import read_catalog
from tests.support.site.in_process import BAD, TYPES, Fleet, fleet
from tests.support.site.site import until
from tests.support.store.mutations import Mutation, every_kind

KINDS = list(every_kind(BAD, "mal"))
#: Places that nothing reads all the time: `taskqueue audit --repair` looks there, or whoever needs the value next.
SELDOM_READ = (
    "field exclusive",
    "field service_times",
    "field deaths",
    "field suspended:",
    "type deaths",
    "type suspended:",
    "field payload",
    "field attempts",
    "field dead:body",
    "string claims:w",
    "member dead",
    "member limits_closed_until",
    "member schedule",
    "member spread",
    "member parked",
    "member tats",
    "member paused_users",
    "field limits:",
    "score ",
    "string spread",
    "type malformed",
    "type limits_closed_until",
    "type attempts",
    "type payload",
    "type dead",
    "type exclusive",
    "type tats",
    "type limits:",
    "type spread",
    "type parked",
    "type schedule",
    "type beats",
    "member beats",
)


def name_of(mutation: Mutation) -> str:
    return f"{mutation.verb} {mutation.name} {mutation.field}".strip()


@pytest.mark.parametrize("verb", sorted({mutation.verb for mutation in KINDS}))
async def test_everything_else_goes_on(store: Store, verb: str) -> None:
    async with fleet(store) as running:
        for mutation in KINDS:
            if mutation.verb == verb:
                try:
                    await outlive(running, mutation)
                except BaseException as error:
                    error.add_note(name_of(mutation))
                    raise

        async def restored() -> bool:
            return (await read_catalog(store)).records.keys() == TYPES.keys()

        await until("the types that manifests name are written again", restored)


async def outlive(running: Fleet, mutation: Mutation) -> None:
    store = running.store
    running.told.clear()
    before = await running.enqueue()
    await mutation.apply(store)
    after = await running.enqueue()
    wanted = {after} if mutation.destroys else {before, after}
    await running.until(lambda: wanted <= running.done)
    await running.look()
    if not name_of(mutation).startswith(SELDOM_READ):
        await running.until(lambda: any(mutation.name in place for place in running.told))
    await repair(store, await inspect(store))
    await forget_notes(store, await read_notes(store))
    assert await inspect(store) == []
    assert (await audit(store)).difference == 0
