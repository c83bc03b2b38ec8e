"""A release in which each text that a stranger may choose is hostile."""

import json
from urllib.parse import quote

import msgspec

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import set_users
from taskqueue.store.writes import Write, begin_write
from taskqueue_api.console.page import Page
from tests.support.store.raw import raw

#: In front of each hostile text, so that a page is known to show it.
MARK = "EVIL"
#: Sets `window.ran` where a page takes it for HTML, and turns terminals and lines of text around.
TEXT = (
    f"{MARK}</script><script>ran=1</script><img src=x onerror=ran=1>'\"><svg onload=ran=1>"
    '\x1b[31m\x07\x00\x9b2J\u202eolleh\u2066\u200b\u2028{{7*7}}" onx="ran=1%00\r\ndata: x\n\n'
    "\u200f\u061c\ufeff\u3164\U000e0041\U0001f468\u200d\U0001f469" + "e" + "\u0301\u0489" * 50 + "`<b>`"
)
LONG = TEXT + "x" * 65_536
#: As hostile as an id may be: printable ASCII without space and "/".
USER = f"{MARK}'\"><img&src=x;onerror=ran=1>#?%2e&lt;{{{{7*7}}}}"
FURTHER_USERS = (
    *("javascript:ran=1", "data:text,x", "http:evil.example", "\\\\evil.example", "%00", "%0d%0aX", "%2e%2e"),
    *(
        '"onx="ran=1',
        "{{7*7}}",
        "{%x%}",
        "__proto__",
        "`<b>`",
        "&#106;avascript",
        "?next=%2f",
        "#live",
        "+",
        "*",
        "[a]",
    ),
)
#: Params are no one's business.
SECRET = "secret-of-the-params"
TYPE = "good"
_NAMES = {"limit": "global", "type": TYPE, "user": USER}


def url_of(page: Page) -> str:
    """Return the path of a page of this release."""
    return page.path.format(name=quote(_NAMES.get(page.name, ""), safe=""))


async def spoil(store: Store) -> None:
    """Fill an empty store."""
    kind = TaskType(TYPE, Schedule(interval_s=60), function=TEXT)
    version = (await read_catalog(store)).version
    await put_types(store, version, [TypeRecord(kind, (Generation(1, kind.schedule),))])
    tasks = (Subscription(TYPE, {"token": SECRET, "note": LONG}),)
    further = [UserSubscription(user, (Subscription(TYPE),)) for user in FURTHER_USERS]
    await set_users(store, "folder", [UserSubscription(USER, tasks), *further])
    await enqueue(store, TYPE, USER, {"token": SECRET, "note": LONG})
    (job,) = [one.decode() for one in await raw(store).zrange(store.keys.ready("global", "normal"), 0, -1)]
    payload = json.dumps({"token": SECRET, "note": TEXT})
    now_ms = 1_764_000_000_000
    for name, reason in ((job.replace("|~", "|~dead-"), LONG), (f"{TEXT.replace('|', '')}|ada|~1|1|0", TEXT)):
        body = {"reason": reason, "failures": 1, "losses": 0, "at": now_ms, "payload": payload}
        await raw(store).hset(store.keys("dead:body"), name, msgspec.msgpack.encode(body))
        await raw(store).zadd(store.keys("dead"), {name: now_ms})
    info = msgspec.json.encode({"host": LONG, "pid": TEXT, "free": TEXT, TEXT: TEXT})
    halves = rb'{"host": "\ud800", "pid": "\udfff\ud800", "free": "\u202e"}'
    for worker, told in ((TEXT, info), (LONG, info), (f"{MARK}-half", halves)):
        await raw(store).hset(store.keys("workers"), worker, f"{now_ms}|".encode() + told)
    write = Write(caller=LONG, by=TEXT, method=TEXT, path=LONG, address=TEXT, detail=LONG)
    await begin_write(store, write)
    await raw(store).hset(store.keys("types"), TEXT, TEXT)
    await raw(store).hset(store.keys("malformed"), TEXT, TEXT)
    await raw(store).zadd(store.keys("limits_closed_until"), {TEXT: 4e15, f"global|{TEXT}": 4e15})
    for name in ("limits", "overrides", "handlers"):
        await raw(store).hset(store.keys(name), TEXT, TEXT)
