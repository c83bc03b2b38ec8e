"""An authenticating proxy as docs/security.md sets oauth2-proxy up, behind an ingress: TLS, sessions, and its headers.

Like Go's proxy it removes the headers that a caller's `Connection` names, also its own.
"""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.support.api.process import PROXY_SECRET
from tests.support.kubernetes.certificates import Authority

SESSION = "_oauth2_proxy"
#: Of the people who have sessions, the groups.
GROUPS: Mapping[str, Sequence[str]] = {
    "ada@example.com": ("staff", "team"),
    "vera@example.com": ("staff",),
    "zoë@example.com": ("équipe",),
}
#: A session of someone whom the proxy lets in without a name.
NAMELESS = "nameless"
_PER_CONNECTION = ("Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Upgrade")
_OWN = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass
class AuthProxy:
    """url: of the proxy.   replaces: its headers replace those of a caller, else they are added."""

    url: str
    to_port: int
    http: aiohttp.ClientSession
    replaces: bool

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass a request on for the person of its session; refuse one without."""
        if request.path == "/oauth2/callback":
            found = web.HTTPFound("/")
            found.set_cookie(SESSION, request.query["user"], secure=True, httponly=True, samesite="Lax")
            raise found
        user = request.cookies.get(SESSION)
        if user is None:
            raise web.HTTPForbidden(text="sign in with the provider")
        url = URL(f"http://127.0.0.1:{self.to_port}{request.raw_path}", encoded=True)
        async with self.http.request(
            request.method,
            url,
            headers=self._headers(request, user),
            data=request.content if request.can_read_body else None,
            skip_auto_headers=_OWN,
            allow_redirects=False,
        ) as upstream:
            kept = [(name, value) for name, value in upstream.headers.items() if name not in _PER_CONNECTION]
            passed = web.StreamResponse(status=upstream.status, headers=CIMultiDict(kept))
            await passed.prepare(request)
            with suppress(ConnectionResetError):  # the caller has left
                async for chunk in upstream.content.iter_any():
                    await passed.write(chunk)
            return passed

    def _headers(self, request: web.BaseRequest, user: str) -> CIMultiDict[str]:
        headers = CIMultiDict(request.headers)
        for name, value in _injected(request, user):
            if self.replaces:
                headers.popall(name, None)
            headers.add(name, value)
        named = [one.strip() for one in request.headers.get("Connection", "").split(",")]
        for name in {*named, *_PER_CONNECTION} - {""}:
            headers.popall(name, None)
        chain = [*headers.popall("X-Forwarded-For", []), request.remote or ""]
        headers["X-Forwarded-For"] = ", ".join(chain)
        return headers


def _injected(request: web.BaseRequest, user: str) -> list[tuple[str, str]]:
    is_named = user != NAMELESS
    return [
        ("X-Proxy-Secret", PROXY_SECRET),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", request.host),
        ("X-Forwarded-User", user.partition("@")[0] if is_named else ""),
        ("X-Forwarded-Email", user if is_named else ""),
        ("X-Forwarded-Groups", ",".join(GROUPS.get(user, ()))),
    ]


@asynccontextmanager
async def auth_proxy(folder: Path, to_port: int, *, replaces: bool = True) -> AsyncIterator[AuthProxy]:
    """Run a proxy in front of a port of loopback.   folder: for its certificate."""
    certificate = Authority(folder / "authority").server("proxy", ["localhost"], ["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    connector, jar = aiohttp.TCPConnector(limit=0), aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False) as http:
        proxy = AuthProxy("", to_port, http, replaces)
        server = web.ServerRunner(web.Server(proxy.answer, handler_cancellation=True), shutdown_timeout=0.1)
        await server.setup()
        site = web.TCPSite(server, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        proxy.url = f"https://127.0.0.1:{server.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await server.cleanup()
