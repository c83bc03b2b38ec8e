"""The handlers of examples/apis: one function for each part of an API that has limits of its own.

The environment variable TASKQUEUE_EXAMPLE_API_URL is the address of the API, e.g. http://127.0.0.1:8099.
"""

import os

import aiohttp

from taskqueue import Discard, Job, RateLimited, handler, on_shutdown

# One session for the process, made by the first job: a session belongs to the loop that runs when it is made.
_session: aiohttp.ClientSession | None = None


@handler("shopify.orders")
async def orders(job: Job) -> None:
    await call(job, "shopify", "shopify-orders,shopify-shop")


@handler("shopify.products")
async def products(job: Job) -> None:
    await call(job, "shopify", "shopify-products,shopify-shop")


@handler("shopify.shop")
async def shop(job: Job) -> None:
    await call(job, "shopify", "shopify-shop")


@handler("shopify.app")
async def app(job: Job) -> None:
    await call(job, "shopify", "shopify-app")


@handler("amazon.report")
async def report(job: Job) -> None:
    await call(job, "amazon", "amazon-reports")


@handler("warehouse.call")
async def warehouse(job: Job) -> None:
    await call(job, "warehouse", "")


async def call(job: Job, api: str, limits: str) -> None:
    """Make the job's requests. limits: those that the API counts a request in; the type names the same."""
    for number in range(job.params.get("requests", 1)):
        if number:
            await job.permit()
        await request(job, f"/{api}/{job.params['path']}", limits)


async def request(job: Job, path: str, limits: str) -> None:
    """Make one request. Raises RateLimited on 429, and Discard if the resource does not exist."""
    # A real API knows its limits and its customer; the example API is told by headers.
    headers = {
        "Idempotency-Key": job.idempotency_key,
        "X-Taskqueue-Type": job.type,
        "X-Taskqueue-User": job.user,
        "X-Taskqueue-Occurrence": str(job.occurrence or ""),
        "X-Taskqueue-Attempt": str(job.attempt),
        "X-Taskqueue-Limits": limits,
    }
    async with session().get(os.environ["TASKQUEUE_EXAMPLE_API_URL"] + path, headers=headers) as response:
        await response.read()
    if response.status == 429:
        raise RateLimited(float(response.headers.get("Retry-After", "1")))
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
