"""TLS contexts with a certificate and trusted authorities, which both change while the server runs."""

import contextlib
import os
import ssl
from typing import Any

from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.front_proxy import FrontProxy


class FrontProxyContext(ssl.SSLContext):
    """A context, and the front proxy that it trusts."""

    front_proxy: FrontProxy


def context(pair: Pair, front_proxy: FrontProxy) -> FrontProxyContext:
    """Make a context that requests a client certificate and rejects one of another authority.

    A client without a certificate is accepted, for health checks. Raises ssl.SSLError for malformed PEM.
    """
    made = FrontProxyContext(ssl.PROTOCOL_TLS_SERVER)
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
    """Yield a path to bytes in memory, never on a disk: the ssl module reads keys from files only."""
    number = os.memfd_create("pem")
    try:
        os.write(number, content)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)
