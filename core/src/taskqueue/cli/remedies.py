"""Remedies for a store that does not answer or refuses, found by the words of the server or of the network."""

from taskqueue.store.errors import StoreFailure, StoreRefused
from taskqueue.store.url import StoreUrl

_START = "start it, or give its address with --redis-url or TASKQUEUE_REDIS_URL"
_RIGHTS = "docs/redis.md lists the rights and settings that taskqueue needs"
_PRIMARY = "a replica answers there: give the address of its primary, or of its Sentinels"
_CERTIFICATE = "name a certificate that the server takes, and its key, with ssl_certfile and ssl_keyfile"
_NO_TLS = (
    f"{_START}; write redis:// instead of rediss:// for a server without TLS, "
    "and name a certificate with ssl_certfile and ssl_keyfile for a server that asks for one"
)
_TLS = f"{_START}; write rediss:// instead of redis:// for a server with TLS"

#: Words of a failure, in lower case, and the remedy; the first match counts.
_BY_WORDS = (
    ("must be of schema", "docs/upgrade.md has the commands"),
    (
        "certificate verify failed",
        "name the file of its authority with ssl_ca_certs, and the host as its certificate does",
    ),
    ("alert certificate required", _CERTIFICATE),
    ("sslv3 alert", _CERTIFICATE),
    ("alert unknown ca", _CERTIFICATE),
    ("protocol error", "the server there is not Redis: correct the address"),
    ("cluster support disabled", "write redis:// instead of redis+cluster://"),
    ("unknown command 'sentinel'", "no Sentinel answers there: write redis://, or the address of a Sentinel"),
    ("unknown command 'cluster'", "no node of a cluster answers there: correct the address"),
    ("unknown command 'evalsha'", "a Sentinel answers there: write redis+sentinel://HOST/SERVICE"),
    ("no such master", "write the service as `sentinel monitor` in the configuration of its Sentinels does"),
    (
        "db index is out of range",
        "name a database below the number of `databases` in its configuration, by default 16",
    ),
    ("not allowed in cluster mode", "write redis+cluster:// and no database"),
    ("moved ", "write redis+cluster://"),
    (
        "slots are not covered",
        "every slot needs a node: `redis-cli --cluster check` names the missing slots",
    ),
    ("readonly ", _PRIMARY),
    ("masterdown ", _PRIMARY),
    ("loading ", "it reads its file: try again once it has done so"),
    ("max number of clients", "raise its maxclients"),
    ("name or service not known", "correct the host in --redis-url or TASKQUEUE_REDIS_URL"),
)
_HUNG_UP = ("closed", "reset", "lost", "broken pipe")
_LOGIN = ("wrongpass", "noauth", "err auth", "invalid password", "invalid username")


def remedy(failure: StoreFailure, url: StoreUrl) -> str:
    """Return the remedy for a failure of the store at `url`, as the second half of a sentence."""
    words = failure.detail.lower()
    for part, advice in _BY_WORDS:
        if part in words:
            return advice
    if any(part in words for part in _LOGIN):
        if "no sentinel at" in words:
            return "give the password of its Sentinels in TASKQUEUE_SENTINEL_PASSWORD"
        return "correct the user name and the password in --redis-url or TASKQUEUE_REDIS_URL"
    if isinstance(failure, StoreRefused):
        return _RIGHTS
    if url.tls:
        return _NO_TLS
    return _TLS if any(sign in words for sign in _HUNG_UP) else _START
