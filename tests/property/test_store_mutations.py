"""With any value in the store, no process ends, good jobs are done, and skipped values are counted.

TASKQUEUE_FUZZ=1 makes ten thousand mutations in place of a hundred and fifty; TASKQUEUE_SEED chooses other ones.
"""

import os
import random
from functools import partial

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.inspection import inspect
from taskqueue.store.repair import forget_notes, read_notes, repair
from taskqueue.store.types import read_catalog
from tests.support.site.in_process import BAD, TYPES, fleet
from tests.support.store.mutations import any_mutation

LONG = bool(os.environ.get("TASKQUEUE_FUZZ"))
MUTATIONS = 10_000 if LONG else 150
BATCH = 5
#: So often somebody repairs the store.
REPAIRED_EVERY = 20


async def test_no_value_stops_anything(store: Store) -> None:
    seed = int(os.environ.get("TASKQUEUE_SEED") or (random.randrange(1 << 32) if LONG else 20_261_129))
    print("TASKQUEUE_SEED =", seed)
    chance = random.Random(seed)
    skipped = 0
    async with fleet(store) as running:
        for turn in range(MUTATIONS // BATCH):
            early = await running.enqueue()
            batch = [any_mutation(chance, BAD, "mal") for _ in range(BATCH)]
            for mutation in batch:
                await mutation.apply(store)
            wanted = {await running.enqueue()}
            if not any(mutation.destroys for mutation in batch):
                wanted.add(early)
            try:
                await running.until(partial(wanted.__le__, running.done))
                await running.look()
            except BaseException as error:
                error.add_note(f"seed {seed}, turn {turn}: {batch}")
                raise
            running.done.clear()
            if turn % REPAIRED_EVERY == REPAIRED_EVERY - 1:
                skipped += len(await repair(store, await inspect(store)))
                await forget_notes(store, await read_notes(store))
        skipped += len(running.told)
        skipped += len(await repair(store, await inspect(store)))
        job = await running.enqueue(BAD, "mal")
        await running.until(lambda: job in running.done)
    await repair(store, await inspect(store))
    await forget_notes(store, await read_notes(store))
    assert await inspect(store) == []
    assert skipped > MUTATIONS // 3, "most places are read all the time"
    assert (await read_catalog(store)).records.keys() == TYPES.keys()
    assert (await audit(store)).difference == 0
