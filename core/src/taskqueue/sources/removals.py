"""The guard against the removal of many users or types at once, as after a mistake in a path or a query."""

#: More removals at once than both of these wait for a confirmation; so does the removal of everything.
REMOVALS_FREE = 100
REMOVALS_FREE_PART = 0.2


def are_many(gone: int, stored: int) -> bool:
    """Tell whether the removal of so many of the stored ones waits for a confirmation."""
    return gone > max(REMOVALS_FREE, REMOVALS_FREE_PART * stored) or 1 < gone == stored
