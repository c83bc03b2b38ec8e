"""The URL of a store, read into its parts.

redis://user:secret@host:6379/0    rediss:// (TLS)    unix:///path?db=0
redis+sentinel://user:secret@host1:26379,host2:26379/service/0    (rediss+sentinel:// for TLS)
redis+cluster://user:secret@host1:6379,host2:6379    (rediss+cluster:// for TLS; one node that answers names the others)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from taskqueue.store.errors import StoreUrlError

#: Parameters after `?` and their types; others would be dropped in silence by one kind of server or another.
_PARAMETERS: Mapping[str, type] = {
    "db": int,
    "client_name": str,
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_cert_reqs": str,
    "ssl_certfile": str,
    "ssl_check_hostname": bool,
    "ssl_keyfile": str,
}
_CERT_REQS = ("none", "optional", "required")
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PORTS = {"server": 6379, "cluster": 6379, "sentinel": 26379}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """kind: what answers at `hosts`. path: of a Unix socket, instead of hosts. service: the name Sentinel knows."""

    kind: Literal["server", "sentinel", "cluster"]
    tls: bool
    hosts: tuple[Address, ...] = ()
    path: str = ""
    service: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)


def parse_url(url: str) -> StoreUrl:
    """Read a URL. Raises StoreUrlError, which never repeats a password."""
    try:
        return _parse(url)
    except (ValueError, KeyError) as error:
        raise StoreUrlError from error


def _parse(url: str) -> StoreUrl:
    url.encode()  # bytes of the environment that are no UTF-8 could not be sent later
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    if kind not in {"", "sentinel", "cluster"} or scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(parts.scheme)
    if parts.fragment:
        raise StoreUrlError("A # in it must be written %23.")
    parameters = dict(_parameter(*pair) for pair in parse_qsl(parts.query, keep_blank_values=True))
    if scheme != "rediss" and any(name.startswith("ssl_") for name in parameters):
        raise StoreUrlError("Its parameters ssl_... need rediss://.")
    database = int(parameters.pop("db", 0))
    known = StoreUrl(
        _kind(kind),
        scheme == "rediss",
        database=database,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        parameters=parameters,
    )
    if scheme == "unix":
        return replace(known, path=_socket(parts, kind))
    service, path = "", parts.path.strip("/")
    if kind == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise ValueError(kind)
    database = int(path or database)
    if database < 0:
        raise StoreUrlError("Its database must be 0 or more.")
    if database and kind == "cluster":
        raise StoreUrlError("Its database must be 0: a cluster has no other.")
    places = parts.netloc.rpartition("@")[2] or ("" if kind else "127.0.0.1")
    hosts = tuple(_host(item, _PORTS[known.kind]) for item in places.split(","))
    if len(hosts) > 1 and not kind:
        raise StoreUrlError("Several hosts need redis+sentinel:// or redis+cluster://.")
    return replace(known, hosts=hosts, service=service, database=database)


def _socket(parts: SplitResult, kind: str) -> str:
    """Return the path of a Unix socket."""
    path = unquote(parts.path)
    if kind or not path or parts.netloc.rpartition("@")[2]:
        raise StoreUrlError("A socket must be written unix:///path.")
    return path


def _kind(word: str) -> Literal["server", "sentinel", "cluster"]:
    if word == "sentinel":
        return "sentinel"
    return "cluster" if word == "cluster" else "server"


def _parameter(name: str, text: str) -> tuple[str, str | int | bool]:
    kind = _PARAMETERS.get(name)
    if kind is None:
        raise StoreUrlError(f"Its parameter {name!r} must be one of {', '.join(_PARAMETERS)}.")
    if kind is bool:
        return name, _YES_OR_NO[text.lower()]
    if name == "ssl_cert_reqs" and text not in _CERT_REQS:
        raise StoreUrlError(f"Its parameter {name!r} must be one of {', '.join(_CERT_REQS)}.")
    return name, int(text) if kind is int else text


def _host(item: str, port: int) -> Address:
    parts = urlsplit(f"//{item}")
    if not parts.hostname:
        raise ValueError(item)
    if parts.port == 0:
        raise ValueError(item)
    return parts.hostname, parts.port or port
