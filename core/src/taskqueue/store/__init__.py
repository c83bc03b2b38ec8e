"""Store: Redis, and nobody else imports redis.

`keys` builds every key, `connection` opens a client from a URL, and each verb is one Lua script in `scripts/` with one
typed wrapper beside it: tick, claim, heartbeat, permit, enqueue, set_users, clock, put_types, redeal, redrive,
audit, look, retention.
What several scripts share stands in `scripts/lib/` and is put in front of a script that names it in its header.

One truth per fact: a job is in exactly one of ready, parked, suspects and leased, and only scripts move it.
May import `taskqueue.models` and `taskqueue.plan`.
"""
