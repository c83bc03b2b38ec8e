"""The client for applications: what a program says and asks about its users, their jobs and pauses.

    client         the client: all verbs over one connection
    sync_client    the client for code that is not async
    portal         a client in a loop of its own thread
    handover       rows read in the thread of the caller
    calls          the connection, and the turns of calls
    users          verbs on users: one subscription, one user, all users
    jobs           verbs on jobs
    ad_hoc_jobs    many ad hoc jobs, enqueued in batches
    pauses         verbs on pauses and suspensions
    reads          verbs that read
    resync         all users of an application, written in batches
    batches        items a batch at a time
    arguments      checks of arguments

Every call raises TaskqueueError: a ValueRefusedError (also ValueError) for an argument, a StoreError for a refusal, and
a StoreFailure if its effect is unknown: repeat the call, which is harmless (for ad hoc jobs with a `job_id`).

May import `taskqueue.views`, `taskqueue.sources`, `taskqueue.store`, `taskqueue.models` and `taskqueue.errors`. No type
of Redis leaks.
"""

from taskqueue.client.client import Client
from taskqueue.client.resync import Resync
from taskqueue.client.sync_client import SyncClient

__all__ = ["Client", "Resync", "SyncClient"]
