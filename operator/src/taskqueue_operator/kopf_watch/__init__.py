"""kopf behind two calls: `start` begins a watch of some kinds in one namespace, and `Watch.stop` ends it.

    start -> Watch (a thread with kopf's own loop) -> Session (kopf's requests to the API server) -> on_event, on_list

kopf keeps the watches open: it lists, watches from that version, reconnects, and lists again when a watch is too old.
It writes nothing. The session that it is given bounds it: a list asks for one object and appears empty, since the
caller of this package lists; an event shows only the identity of its object; invalid lines and refusals that would end
kopf, and silence, become reasons to connect again. `Pulse` shows whether a watch is alive, and `stop` does not wait
for a kopf that does not end.

    watch         one run of kopf, in a thread
    session       kopf's requests to the API server
    answer        answers of the API server, as kopf reads them
    lines         the lines of a watch, as events that kopf can decode
    pulse         the last signs of life of each watch
    null_storage  kopf's storages, without content

May import `connection` and `access`, and of the core `taskqueue.models`; no other package imports kopf.
"""

from taskqueue_operator.kopf_watch.pulse import Pulse
from taskqueue_operator.kopf_watch.watch import Target, Watch, start

__all__ = ["Pulse", "Target", "Watch", "start"]
