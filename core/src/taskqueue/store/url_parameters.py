"""Parameters in the URL of a store, after its `?`."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from taskqueue.store.errors import StoreUrlError

#: Parameters and their types; any further one would be dropped in silence by some kind of server.
PARAMETERS: Mapping[str, type] = {
    "db": int,
    "client_name": str,
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_cert_reqs": str,
    "ssl_certfile": str,
    "ssl_check_hostname": bool,
    "ssl_keyfile": str,
}
#: The largest number of a database that a server reads.
_MAX_DATABASES = 2_147_483_647
_CERT_REQS = ("none", "optional", "required")
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: A name that a refusal may repeat: it is no password.
_NAME = re.compile(r"[a-z][a-z_]{0,30}")


def read_parameters(query: str, *, tls: bool) -> dict[str, str | int | bool]:
    """Return the parameters of a query. Raises StoreUrlError, which repeats no value."""
    found: dict[str, str | int | bool] = {}
    for item in query.split("&") if query else ():
        name, _, value = item.partition("=")
        if name not in PARAMETERS:
            printable = f" {name!r}" if _NAME.fullmatch(name) else ""
            raise StoreUrlError(f"Its parameter{printable} must be one of {', '.join(PARAMETERS)}.")
        if name.startswith("ssl_") and not tls:
            raise StoreUrlError(
                f"It must begin with rediss:// (TLS) for its parameters ssl_...; or leave {name!r} out."
            )
        if name in found:
            raise StoreUrlError(f"Its parameter {name!r} must be given once.")
        found[name] = _value(name, value)
    if "ssl_keyfile" in found and "ssl_certfile" not in found:
        raise StoreUrlError("Its parameter 'ssl_keyfile' needs 'ssl_certfile', the certificate of that key.")
    return found


def read_database(text: str, part: str, example: str) -> int:
    """Return the number of a database, of a part of the URL by the name `part`."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > _MAX_DATABASES:
        raise StoreUrlError(
            f"{part} must be the number of a database, 0 or more and {_MAX_DATABASES:,} at most, as in {example}."
        )
    return int(text)


def _value(name: str, text: str) -> str | int | bool:
    rule = f"Its parameter {name!r} must be"
    try:
        plain = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise StoreUrlError(f"{rule} percent-encoded as UTF-8.") from None
    if not plain:
        raise StoreUrlError(f"{rule} left out, or have a value.")
    if not plain.isprintable():
        raise StoreUrlError(f"{rule} text without control characters.")
    if name == "db":
        return read_database(plain, "Its parameter 'db'", "?db=0")
    if PARAMETERS[name] is bool:
        if plain.lower() not in _YES_OR_NO:
            raise StoreUrlError(f"{rule} true or false.")
        return _YES_OR_NO[plain.lower()]
    if name == "ssl_cert_reqs" and plain not in _CERT_REQS:
        raise StoreUrlError(f"{rule} one of {', '.join(_CERT_REQS)}.")
    if name == "client_name" and not re.fullmatch(r"[!-~]+", plain):
        raise StoreUrlError(f"{rule} ASCII letters, digits and signs without blanks.")
    return plain
