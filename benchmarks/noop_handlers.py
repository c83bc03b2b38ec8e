"""The handler of the drain benchmark."""

from taskqueue.handlers import Job, handler


@handler("noop")
async def noop(job: Job) -> None:
    """Does nothing."""
