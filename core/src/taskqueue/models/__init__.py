"""Models: a manifest becomes a value here. Pure: no I/O, no clock, no Redis.

`values` holds what the rest of the code works with: frozen, slotted, complete (no defaults left to fill in).
`manifest` holds the pydantic models at the border; they know the wire names (camelCase, durations as text)
and turn a checked document into a value. May import nothing of taskqueue.
"""
