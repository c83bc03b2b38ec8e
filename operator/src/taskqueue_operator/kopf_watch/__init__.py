"""kopf behind two calls: `start` a watch of some kinds in a namespace, and `stop` what it returns.

    start -> Watch: a thread with a loop of kopf's own -> Session: what kopf asks the API server by -> on_event, on_list

kopf keeps the watches open: it lists, watches from there, reconnects, and begins anew where a watch is too old. It
writes nothing. What it cannot be trusted with is taken off it by the session that it is given: lists (one object is
asked for, and the list is told as empty: whoever uses this package lists), all of an object but its identity, lines
that are no events, refusals that would end it, and silence. It is bounded from outside by `Pulse`, and `stop` does not
wait for a kopf that never ends.

May import nothing of taskqueue_operator but `connection` and `access`; nothing else imports kopf.
"""

from taskqueue_operator.kopf_watch.pulse import Pulse
from taskqueue_operator.kopf_watch.watch import Target, Watch, start

__all__ = ["Pulse", "Target", "Watch", "start"]
