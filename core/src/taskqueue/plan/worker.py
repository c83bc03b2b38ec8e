"""The life of a worker, by its heartbeats.

The only place of this bound: commands, metrics and alerts take it from here, and the scripts through
`taskqueue.store.script`.
"""

#: A worker whose last heartbeat is older counts as dead. A worker with the default lease sends one each 5 s.
ALIVE_MS = 60_000
