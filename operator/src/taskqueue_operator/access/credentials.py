"""The credentials of the operator at an API server, and its trust in that server; both change while it runs.

Files are read again every minute, as client-go does: the kubelet replaces a service account's token and the cluster's
authorities in place. A 401 or a certificate that is not trusted brings that forward. A credential plugin runs again
when its credentials are about to expire, or were refused.
"""

import base64
import ssl
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import structlog

from taskqueue_operator.access.kubeconfig import Cluster, KubeconfigError, User
from taskqueue_operator.access.plugin import PluginError, Printed, run_plugin

log = structlog.get_logger("taskqueue.operator")

#: Between two readings of the files.
_PERIOD_S = 60.0
#: The same after the API server refused the credentials, or was not trusted.
_REFUSED_PERIOD_S = 5.0
#: A plugin runs this long before its credentials expire.
_EARLY = timedelta(seconds=2 * _PERIOD_S)


class Transport(TypedDict):
    """Arguments of aiohttp for one request."""

    ssl: ssl.SSLContext
    server_hostname: str | None
    proxy: str | None


@dataclass(frozen=True, slots=True)
class _Identity:
    """PEM. authorities: empty for those of the machine. certificate: empty without one; with its key."""

    authorities: str
    certificate: bytes


class Credentials:
    """The current credentials: read by any thread, renewed in one loop, and empty before the first `read`."""

    def __init__(self, cluster: Cluster, user: User) -> None:
        self.server = cluster.server.rstrip("/")
        self.authorization = ""
        self._proxy = cluster.proxy_url or _environment_proxy(cluster.server)
        self._cluster = cluster
        self._user = user
        self._printed: Printed | None = None
        self._identity: _Identity | None = None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts no server yet
        self._refused = False
        self._read_s = time.monotonic()

    @property
    def transport(self) -> Transport:
        """Arguments of aiohttp for a request of this moment; another context makes other connections."""
        return {
            "ssl": self._tls,
            "server_hostname": self._cluster.tls_server_name or None,
            "proxy": self._proxy,
        }

    def refuse(self) -> None:
        """Note that the API server refused the credentials, or was not trusted."""
        self._refused = True

    async def renew(self) -> None:
        """Read the credentials again if it is time; after a failure, which is logged, they stay in use."""
        age_s = time.monotonic() - self._read_s
        if age_s < (_REFUSED_PERIOD_S if self._refused else _PERIOD_S):
            return
        try:
            await self.read()
        except KubeconfigError as error:
            log.warning("credentials not renewed", error=str(error))

    async def read(self) -> None:
        """Read the files, and run the plugin if there is one and it is time. Raises KubeconfigError."""
        refused, self._refused, self._read_s = self._refused, False, time.monotonic()
        if self._user.plugin and (refused or self._is_expiring()):
            try:
                self._printed = await run_plugin(self._user.plugin, self._cluster)
            except PluginError as error:
                self._refused = True
                log.warning("credential plugin failed", error=str(error))
        self._use(self._printed or Printed())

    def _is_expiring(self) -> bool:
        if self._printed is None:
            return True
        expires = self._printed.expiration_timestamp
        return expires is not None and expires.astimezone(UTC) < datetime.now(UTC) + _EARLY

    def _use(self, printed: Printed) -> None:
        """Read the files again, and replace header and TLS context. printed: output of the plugin, which wins."""
        cluster, user = self._cluster, self._user
        authorities = _pem(
            "certificate-authority", cluster.certificate_authority, cluster.certificate_authority_data
        )
        certificate = _pem("client-certificate", user.client_certificate, user.client_certificate_data)
        key = _pem("client-key", user.client_key, user.client_key_data)
        if printed.client_certificate_data:
            certificate, key = printed.client_certificate_data.encode(), printed.client_key_data.encode()
        identity = _Identity(
            authorities.decode("ascii", "replace"), b"\n".join(filter(None, (certificate, key)))
        )
        if identity != self._identity:
            self._tls = _context(identity, insecure=cluster.insecure_skip_tls_verify)
            self._identity = identity
        self.authorization = _authorization(user, printed)


def _environment_proxy(server: str) -> str | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for a server."""
    url = urlsplit(server)
    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)


def _authorization(user: User, printed: Printed) -> str:
    """Return the header of that name; empty where a certificate is the identity."""
    token = _content("tokenFile", user.token_file).decode("latin-1") if user.token_file else user.token
    if token := (token or printed.token).strip():
        if not (token.isascii() and token.isprintable()):
            raise KubeconfigError("token must be one line of ASCII (was something else)")
        return f"Bearer {token}"
    if user.username:
        return f"Basic {base64.b64encode(f'{user.username}:{user.password}'.encode()).decode()}"
    return ""


def _context(identity: _Identity, *, insecure: bool) -> ssl.SSLContext:
    """Make a context. Raises KubeconfigError for PEM that cannot be read."""
    try:
        context = ssl.create_default_context(cadata=identity.authorities or None)
        if identity.certificate:
            with tempfile.NamedTemporaryFile() as file:  # the ssl module reads a key from files only
                file.write(identity.certificate)
                file.flush()
                context.load_cert_chain(file.name)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise KubeconfigError(
            f"certificates must be PEM, with their key ({type(error).__name__}: {error})"
        ) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pem(name: str, path: str, inline: str) -> bytes:
    """Return the content of a field that is a file, or is in the kubeconfig itself, which comes first."""
    if not inline:
        return _content(name, path) if path else b""
    try:
        return base64.b64decode(inline)
    except ValueError as error:
        raise KubeconfigError(f"{name}-data must be base64 ({error})") from error


def _content(name: str, path: str) -> bytes:
    """Read a file. Raises KubeconfigError if it is unreadable or empty."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # a path may contain NUL
        raise KubeconfigError(f"{name} must be a readable file ({error})") from error
    if not content.strip():
        raise KubeconfigError(f"{name} must have content ({path} is empty)")
    return content
