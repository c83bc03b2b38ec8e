"""Fetch a shop's orders page by page, with a permit for every request."""

import os

import aiohttp

from taskqueue import Discard, Job, RateLimited, handler


@handler()
async def fetch_orders(job: Job) -> None:
    async with aiohttp.ClientSession(os.environ["TASKQUEUE_EXAMPLE_API_URL"]) as api:
        for page in range(1, job.params["pages"] + 1):
            if page > 1:
                await job.permit()  # the start of the job was the permit of the first page
            async with api.get("/orders", params={"shop": job.user, "page": page}) as answer:
                if answer.status == 429:
                    raise RateLimited(float(answer.headers["Retry-After"]), limit="global")
                if answer.status == 404:
                    raise Discard("no such shop")
                answer.raise_for_status()
