"""TLS with a certificate and the authorities that are trusted, which both change while the server runs."""

import contextlib
import os
import ssl
from typing import Any

from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.front_proxy import FrontProxy


class Believing(ssl.SSLContext):
    """A context of one moment, and whom it believes."""

    front_proxy: FrontProxy


def context(pair: Pair, front_proxy: FrontProxy) -> Believing:
    """Ask for a client's certificate and refuse a wrong one; one without any may go on, to ask for health.

    Raises ssl.SSLError for what is no certificate.
    """
    made = Believing(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.front_proxy = front_proxy
    with _in_memory(pair.certificate) as certificate, _in_memory(pair.key) as key:
        made.load_cert_chain(certificate, key)
    if front_proxy.authorities:
        made.load_verify_locations(cadata=front_proxy.authorities)
        made.verify_mode = ssl.CERT_OPTIONAL
    return made


@contextlib.contextmanager
def _in_memory(content: bytes) -> Any:
    """Give a path of these bytes, which are never on a disk: the ssl module reads files only."""
    number = os.memfd_create("pem")
    try:
        os.write(number, content)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)
