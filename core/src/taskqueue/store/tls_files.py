"""Files of TLS in the URL of a store: read once before they are needed, so that a fault names its file."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from taskqueue.store.errors import StoreUrlError

_MISMATCH = "KEY_VALUES_MISMATCH"


def check_files(parameters: Mapping[str, object]) -> None:
    """Raise StoreUrlError, with the parameter and the file, for a file that no connection could use."""
    authorities, folder, certificate, key = (
        str(parameters.get(name) or "")
        for name in ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
    )
    if authorities:
        _check_readable("ssl_ca_certs", authorities)
        _check_certificates("ssl_ca_certs", authorities)
    if folder and not Path(folder).is_dir():
        raise _fault("ssl_ca_path", "a folder of certificates", folder, "it is none")
    for name, path in (("ssl_certfile", certificate), ("ssl_keyfile", key)):
        if path:
            _check_readable(name, path)
    if certificate:
        _check_certificates("ssl_certfile", certificate)
        _check_pair(certificate, key)


def find_fault(parameters: Mapping[str, object]) -> str:
    """Return the sentence of `check_files`, or an empty one where every file is good."""
    try:
        check_files(parameters)
    except StoreUrlError as error:
        return error.detail
    return ""


def _check_readable(name: str, path: str) -> None:
    try:
        if not Path(path).is_file():
            reason = "it is none" if Path(path).exists() else "there is none"
            raise _fault(name, "a file", path, reason)
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise _fault(name, "a file that can be read", path, error.strerror or "it cannot be read") from None


def _check_certificates(name: str, path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):  # among them ssl.SSLError
        raise _fault(name, "a PEM file of certificates", path, "it holds none") from None


def _check_pair(certificate: str, key: str) -> None:
    """Check that a key belongs to its certificate; both may be in one file."""
    asked: list[bool] = []

    def password() -> str:
        asked.append(True)  # else OpenSSL would ask at the terminal
        return ""

    name, path = ("ssl_keyfile", key) if key else ("ssl_certfile", certificate)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key or None, password=password)
    except (OSError, ValueError) as error:
        if asked:
            raise _fault(name, "a key without a password", path, "it has one") from None
        if getattr(error, "reason", "") == _MISMATCH:
            rule = "the key of the certificate"
            raise _fault(name, rule, path, f"it is that of another than {certificate}") from None
        raise _fault(name, "a PEM file with a private key", path, "it holds none") from None


def _fault(name: str, rule: str, path: str, reason: str) -> StoreUrlError:
    return StoreUrlError(f"Its parameter {name!r} must name {rule} ({path}: {reason}).")
