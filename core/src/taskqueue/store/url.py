"""The URL of a store, read into its parts.

redis://user:secret@host:6379/0    rediss:// (TLS)    unix:///path?db=0
redis+sentinel://user:secret@host1:26379,host2:26379/service/0    (rediss+sentinel:// for TLS)
redis+cluster://user:secret@host1:6379,host2:6379    (rediss+cluster:// for TLS; one node that answers names the others)

An ambiguous character is refused: redis://:57#pw@host would have the port 57, and the password as a fragment. No
refusal repeats a part of the URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import unquote_to_bytes

from taskqueue.store.address import Address, read_address
from taskqueue.store.errors import StoreUrlError
from taskqueue.store.url_parameters import read_database, read_parameters

Topology = Literal["server", "sentinel", "cluster"]

_FORM = re.compile(r"(?P<scheme>[^:/?#@]*)://(?P<place>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_SCHEMES: Mapping[str, Topology] = {
    "redis": "server",
    "rediss": "server",
    "unix": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_PORTS: Mapping[Topology, int] = {"server": 6379, "cluster": 6379, "sentinel": 26379}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_ENCODE = (
    "Percent-encode the password, and the user name: "
    "# is %23, % is %25, / is %2F, : is %3A, ? is %3F, @ is %40, a blank is %20"
)
_FORMS = "redis://, rediss:// (TLS), unix:///path, redis+sentinel://HOST,HOST/SERVICE or redis+cluster://HOST"


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """topology: of the servers at `hosts`. path: of a Unix socket, instead of hosts. service: its name in Sentinel."""

    topology: Topology
    scheme: str
    hosts: tuple[Address, ...] = ()
    path: str = ""
    service: str = ""
    database: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)

    @property
    def tls(self) -> bool:
        return self.scheme.startswith("rediss")

    def __str__(self) -> str:
        """Return the URL for people: without its login and its parameters."""
        login = "***@" if self.username or self.password else ""
        places = ",".join(map(_printable, self.hosts))
        database = "" if self.topology == "cluster" else f"/{self.database}"
        if self.path:
            return f"unix://{login}{self.path}{f'?db={self.database}' if self.database else ''}"
        return f"{self.scheme}://{login}{places}{f'/{self.service}' if self.service else ''}{database}"


def _printable(address: Address) -> str:
    host, port = address
    return f"[{host.replace('%', '%25')}]:{port}" if ":" in host else f"{host}:{port}"


def parse_url(url: str) -> StoreUrl:
    """Read a URL. Raises StoreUrlError, which repeats no part of it but a parameter's name."""
    try:
        return _parse(url)
    except StoreUrlError as error:
        error.__context__ = None  # a UnicodeError holds the text, which may be the password
        raise


def check_password(text: str) -> None:
    """Raise StoreUrlError for a password of Sentinels that cannot be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of the environment that are no UTF-8
        raise StoreUrlError("The password of its Sentinels must be UTF-8.") from None


def _parse(url: str) -> StoreUrl:
    _check_characters(url)
    found = _FORM.fullmatch(url)
    topology = _SCHEMES.get(found["scheme"].lower()) if found else None
    if found is None or topology is None:
        raise StoreUrlError(f"It must begin with {_FORMS}.")
    login, _, places = found["place"].rpartition("@")
    username, password = _read_login(login)
    if "@" in found["path"] + (found["query"] or "") and not _is_socket(found):
        raise StoreUrlError(f"{_ENCODE}.")
    read = StoreUrl(topology, found["scheme"].lower(), username=username, password=password)
    if read.scheme == "unix":
        if places or not found["path"].strip("/"):
            raise StoreUrlError("A socket must be written unix:///path.")
        path = _decoded(found["path"], "path")
        return _with_parameters(replace(read, path=path), found["query"], "")
    if not places and (login or topology != "server"):
        raise StoreUrlError("Its host is missing.")
    hosts = tuple(read_address(item, _PORTS[topology]) for item in (places or "127.0.0.1").split(","))
    if len(hosts) > 1 and topology == "server":
        raise StoreUrlError("Several hosts need redis+sentinel:// or redis+cluster://.")
    service, database = _read_path(found["path"], topology)
    return _with_parameters(replace(read, hosts=hosts, service=service), found["query"], database)


def _check_characters(url: str) -> None:
    """Refuse characters that a parser would guess at, drop in silence, or could not send."""
    try:
        url.encode()
    except UnicodeEncodeError:  # bytes of the environment that are no UTF-8
        raise StoreUrlError(
            "It must be UTF-8; of redis://USER:PASSWORD@HOST percent-encode the rest."
        ) from None
    if url[-1:] in {"\n", "\r"} and url.rstrip("\r\n").isprintable() and " " not in url:
        raise StoreUrlError(
            "It must hold no white space, and ends in a line end, as `echo` and editors write it: "
            "make the Secret with `--from-literal`, or the file with `printf %s`."
        )
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise StoreUrlError(f"It must hold no white space or control characters. {_ENCODE}.")
    if _BAD_ESCAPE.search(url):
        raise StoreUrlError(f"% must be followed by two hexadecimal digits. {_ENCODE}.")
    if "#" in url:
        raise StoreUrlError(f"# must be written %23. {_ENCODE}.")


def _is_socket(found: re.Match[str]) -> bool:
    return found["scheme"].lower() == "unix" and not found["place"]


def _read_login(login: str) -> tuple[str | None, str | None]:
    if "@" in login:
        raise StoreUrlError(f"{_ENCODE}.")
    username, _, password = login.partition(":")
    return _decoded(username, "user name") or None, _decoded(password, "password") or None


def _read_path(path: str, topology: Topology) -> tuple[str, str]:
    """Return the service, and the digits of the database."""
    text = path[1:-1] if len(path) > 2 and path.endswith("/") else path[1:]  # noqa: PLR2004 - "/0/" is "/0"
    if topology != "sentinel":
        return "", text
    service, _, database = text.partition("/")
    if not service:
        raise StoreUrlError("It must name the service, as in redis+sentinel://HOST,HOST/SERVICE/0.")
    return _decoded(service, "service"), database


def _with_parameters(url: StoreUrl, query: str | None, path: str) -> StoreUrl:
    """Add the parameters of the query, and the database of the path or of a parameter."""
    parameters = read_parameters(query or "", tls=url.tls)
    named = parameters.pop("db", None)
    example = "HOST,HOST/SERVICE/0" if url.topology == "sentinel" else "HOST:PORT/0"
    database = read_database(path, "Its path", f"{url.scheme}://{example}") if path else 0
    if path and named is not None and named != database:
        raise StoreUrlError("Its path and its parameter 'db' must name the same database.")
    database = database or int(named or 0)
    if database and url.topology == "cluster":
        raise StoreUrlError("Its database must be 0: a cluster has no other.")
    return replace(url, database=database, parameters=parameters)


def _decoded(text: str, part: str) -> str:
    try:
        plain = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise StoreUrlError(f"Its {part} must be percent-encoded as UTF-8 (ä is %C3%A4).") from None
    if part not in {"user name", "password"} and not plain.isprintable():
        raise StoreUrlError(f"Its {part} must hold no control characters.")
    return plain
