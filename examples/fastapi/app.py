"""A FastAPI app in one file: its customers are users of the task queue, and it does their jobs."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, HTTPException

import taskqueue
from taskqueue import Client, Subscription, UserSubscription

log = logging.getLogger("uvicorn.error")
#: Time between two looks at the id of the store, and between two resyncs.
LOOK_S, RESYNC_S = 1.0, 300.0


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Open the database; commit at the end, roll back after an error."""
    database = sqlite3.connect("customers.sqlite3")
    try:
        with database:
            yield database
    finally:
        database.close()


def wanted(name: str, region: str) -> UserSubscription:
    return UserSubscription(name, (Subscription("sync-orders", {"region": region}),))


async def send(client: Client, name: str, region: str) -> None:
    """Send a customer after the commit. An error is logged, and mended by the next resync."""
    try:
        await client.replace_user(name, wanted(name, region).tasks)
    except taskqueue.TaskqueueError as error:
        log.warning("customer %s waits for a resync: %s", name, error)


async def resync(client: Client) -> bool:
    """Send all customers, and remove the users of others. Tell whether none was refused."""
    with transaction() as database:
        rows = database.execute("SELECT name, region FROM customers").fetchall()
    done = await client.put_users((wanted(*row) for row in rows), prune=True)
    log.info("resync: %s", done)
    return not done.refused


async def keep_in_step(client: Client) -> None:
    """Resync now and then, and at once after the store lost everything: then it has another id."""
    known, due_s = None, 0.0
    while True:
        try:
            store = await client.store_id()
            now_s = asyncio.get_running_loop().time()
            if store and (store != known or now_s >= due_s) and await resync(client):
                known, due_s = store, now_s + RESYNC_S
        except taskqueue.TaskqueueError as error:
            log.warning("no resync: %s", error)
        await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with transaction() as database:
        rule = "region TEXT NOT NULL CHECK (region IN ('eu', 'us'))"
        database.execute(f"CREATE TABLE IF NOT EXISTS customers (name TEXT PRIMARY KEY, {rule})")
    async with Client.open(os.environ["TASKQUEUE_REDIS_URL"]) as app.state.client:
        keeping = asyncio.create_task(keep_in_step(app.state.client))
        yield
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


app = FastAPI(lifespan=lifespan)


@app.put("/customers/{name}")
async def put_customer(name: str, region: Annotated[str, Body(embed=True)]) -> dict[str, str]:
    try:
        with transaction() as database:
            database.execute("REPLACE INTO customers VALUES (?, ?)", (name, region))
    except sqlite3.IntegrityError:
        raise HTTPException(400, "region must be eu or us") from None
    await send(app.state.client, name, region)
    return {"customer": name}


@app.post("/jobs/sync-orders")
async def sync_orders(x_taskqueue_user: Annotated[str, Header()], params: dict[str, Any]) -> None:
    """Do a job: an answer of 2xx means done, any other is retried or discarded."""
    log.info("sync orders of %s in %s", x_taskqueue_user, params["region"])
