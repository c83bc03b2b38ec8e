"""HTTP/1.1 on a port that any host of the network may reach: few connections, small heads, short waits, no bodies.

    port        listens, accepts, and drops a connection when there are too many
    connection  one connection: its time limits, its requests one after the other
    request     the head of a request, parsed; an answer as bytes. Pure

The health port of every process and the operator's external metrics use it, for answers of a few lines to a few known
callers. A connection costs a bounded number of bytes, one file descriptor and some seconds. No module knows a path.

May import `taskqueue.text`.
"""
