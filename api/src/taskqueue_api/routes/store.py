"""/v1/store: which store this process reads and writes."""

from pydantic import BaseModel, Field

from taskqueue import __version__
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.route import new_router

router = new_router("store")


class StoreAnswer(BaseModel):
    """A store, and the process that reads and writes the store."""

    id: str | None = Field(
        description="Another one after the store lost everything: then send all users again. Null until it has types."
    )
    release: str = Field(description="Name of the release.")
    version: str = Field(description="Version of taskqueue in this process.")


@router.get("")
async def read_store(parts: UsedParts) -> StoreAnswer:
    """Read the id of the store, the release and the version."""
    return StoreAnswer(
        id=await parts.client.store_id(), release=parts.store.keys.release, version=__version__
    )
