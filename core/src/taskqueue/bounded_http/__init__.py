"""HTTP/1.1 on a port that anybody of the network may reach: few connections, small heads, short waits, no bodies.

    port         listens, accepts, and lets a connection go when there are too many
    connection   one connection: its time limits, its requests one after the other
    request      the head of a request, parsed; the answer, spelled out. Pure

Used by the health port of every process and by the operator's external metrics, which serve answers of a few lines to
a few known callers. Whatever a connection does, it costs a bounded number of bytes, one file descriptor and some
seconds. Nothing here knows a path.
"""
