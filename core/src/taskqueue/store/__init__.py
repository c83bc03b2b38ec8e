"""Store: Redis, and nobody else imports redis.

`connection` is the one door: it runs scripts and reads, and turns every failure into one of `errors`. Behind it stand
`url`, `servers` (the pool of connections to one primary), `sentinel` (where that is) and `cluster`. `keys` builds
every key. Each verb is one Lua script in `scripts/` with one typed wrapper: tick, claim, heartbeat, permit, enqueue,
set_users, clock, put_types, redeal, redrive, audit, look, retention. `malformed` keeps what readers skipped;
`inspection` and `repair` find and remove it.
What several scripts share stands in `scripts/lib/` and is put in front of a script that names it in its header.

One truth per fact: a job is in exactly one of ready, parked, suspects and leased, and only scripts move it.
May import `taskqueue.models` and `taskqueue.plan`.
"""
