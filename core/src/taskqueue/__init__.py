"""taskqueue: recurring work for many users, spread evenly, under one exact global rate limit.

    manifest -> models -> plan -> store (Redis) -> claim -> handler -> settle -> metrics, status

Everything flows in that direction; nothing later in the line is imported by anything earlier
(`lint-imports` proves it). What users of the library import is re-exported by `taskqueue.handlers`.
"""

__version__ = "0.1.0"
