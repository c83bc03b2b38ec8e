"""/v1/audit: the account of every job."""

from taskqueue.views.audit import AuditDetail
from taskqueue.views.audit import read_audit as read_account
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.route import new_router

router = new_router("audit")


@router.get("")
async def read_audit(parts: UsedParts) -> AuditDetail:
    """Count every job: the jobs that came in, went out, and are held.

    `difference` is 0 at any time, unless jobs are missing.
    """
    return await read_account(parts.store)
