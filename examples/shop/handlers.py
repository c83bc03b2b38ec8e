"""The shop's handlers, which the types in this folder name as `function`.

The environment variable SHOP_API_URL is the address of the API, e.g. http://127.0.0.1:8099.

The start of a job is its first permit, so the first request needs none; each further one waits for `permit`.
A type with `cost: 3` has `requests: 3` in its params and calls the API three times on three permits.
"""

import os

import aiohttp

from taskqueue import Discard, Job, RateLimited, handler, on_shutdown

# One session for the process, made by the first job: a session belongs to the loop that runs when it is made.
_session: aiohttp.ClientSession | None = None


@handler("shop.fetch")
async def fetch(job: Job) -> None:
    """Read changes made in the shop."""
    await call(job, "GET", f"/v1/{job.params['resource']}")


@handler("shop.push")
async def push(job: Job) -> None:
    """Write local changes to the shop."""
    await call(job, "POST", f"/v1/{job.params['resource']}")


@handler("shop.repair")
async def repair(job: Job) -> None:
    """Compare both sides and request missing items."""
    await call(job, "POST", f"/v1/{job.params['resource']}/repair")


@handler("shop.report")
async def report(job: Job) -> None:
    """Have a report made and fetch its pages."""
    await call(job, "POST", f"/v1/reports/{job.params['report']}")


async def call(job: Job, method: str, path: str) -> None:
    """Make the job's requests, one permit each."""
    for number in range(job.params.get("requests", 1)):
        if number:
            await job.permit()
        await request(job, method, path)


async def request(job: Job, method: str, path: str) -> None:
    """Make one request. Raises RateLimited on 429, and Discard if the resource does not exist."""
    # The API counts by these headers; a real one would find the idempotency key more useful.
    headers = {
        "Idempotency-Key": job.idempotency_key,
        "X-Taskqueue-Type": job.type,
        "X-Taskqueue-User": job.user,
        "X-Taskqueue-Occurrence": str(job.occurrence or ""),
        "X-Taskqueue-Attempt": str(job.attempt),
    }
    body = None if method == "GET" else dict(job.params)
    url = os.environ["SHOP_API_URL"] + path
    async with session().request(method, url, headers=headers, json=body) as response:
        await response.read()
    if response.status == 429:
        raise RateLimited(float(response.headers.get("Retry-After", "1")), limit="global")
    if response.status in {404, 410}:
        raise Discard(f"HTTP {response.status}")
    response.raise_for_status()


def session() -> aiohttp.ClientSession:
    """Return the session of the running loop."""
    global _session  # noqa: PLW0603 - the one thing all jobs share
    if _session is None or _session.closed:
        # The worker's slots bound the connections, its timeouts the calls.
        _session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
    return _session


@on_shutdown
async def close() -> None:
    """Close the session; the next job makes another."""
    if _session is not None:
        await _session.close()
