"""The declarations that the store has in force."""

from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog
from taskqueue_operator.objects import InForce


async def read_in_force(store: Store) -> InForce:
    """Read the types and limits in force. Raises StoreFailure."""
    catalog = await read_catalog(store)
    types = {name: record.task_type for name, record in catalog.records.items() if not record.removed}
    return {"TaskType": types, "RateLimit": catalog.limits}
