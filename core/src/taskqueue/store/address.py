"""A host and its port, as the URL of a store names them."""

import re
from ipaddress import AddressValueError, IPv6Address

from taskqueue.store.errors import StoreUrlError

Address = tuple[str, int]

_FORM = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?P<port>:[^:\[\]]*)?")
_NAME = re.compile(r"[\w.-]+")
_MAX_LABEL, _MAX_NAME = 63, 253
_MAX_PORT = 65_535


def read_address(text: str, port: int) -> Address:
    """Read HOST, HOST:PORT or [IPv6]:PORT; `port` is the default.

    Raises StoreUrlError, which repeats no part of the text: it may be a password whose @HOST was forgotten.
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise StoreUrlError(
            "Its host must be a name or an address; an IPv6 address stands in brackets, [::1]:6379."
        )
    host = found["host"]
    if not host:
        raise StoreUrlError("Its host is missing.")
    if found["port"] is not None:
        port = _port(found["port"][1:])
    return (_ipv6(host[1:-1]) if host.startswith("[") else _name(host)), port


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= _MAX_PORT:
        raise StoreUrlError(
            "Its port must be a whole number from 1 to 65535; a user name and a password end with @, as in "
            "redis://USER:PASSWORD@HOST:PORT/0."
        )
    return int(text)


def _ipv6(text: str) -> str:
    address = text.replace("%25", "%")  # of a zone
    try:
        IPv6Address(address)
    except AddressValueError:
        raise StoreUrlError("Its host in brackets must be an IPv6 address, as in [::1]:6379.") from None
    return address.lower()


def _name(text: str) -> str:
    try:
        labels = text.removesuffix(".").encode("idna" if not text.isascii() else "ascii").split(b".")
    except UnicodeError:
        labels = [b""]
    is_sized = all(0 < len(label) <= _MAX_LABEL for label in labels) and len(text) <= _MAX_NAME
    if not _NAME.fullmatch(text) or not is_sized:
        raise StoreUrlError(
            "Its host must be a name or an address of letters, digits, -, _ and ., in labels of 1 to 63 characters."
        )
    return text.lower()
