"""A proxy in front of a real API server, which can cut, hold and delay connections, or answer itself.

A request is named by verb and resource: "list usersubscriptions", "watch tasktypes",
"patch usersubscriptions/status", "put leases".
"""

import asyncio
import base64
import json
import ssl
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientConnectionResetError, ClientSession, ClientTimeout, TCPConnector, web
from aiohttp.web import BaseRequest

from tests.support.kubernetes import kubeconfig

_NOT_PASSED = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


class Answer(NamedTuple):
    """The proxy's own answer. reason: as Kubernetes names it."""

    status: int
    body: str
    headers: dict[str, str] = {}  # noqa: RUF012


def refusal(status: int, reason: str, **headers: str) -> Answer:
    """Return a refusal in the form of an API server."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason}
    return Answer(status, json.dumps({**said, "code": status}), headers)


def gone() -> Answer:
    """Return a watch with one event: its resource version is too old."""
    event = {"type": "ERROR", "object": json.loads(refusal(HTTPStatus.GONE, "Expired").body)}
    return Answer(HTTPStatus.OK, json.dumps(event) + "\n")


def nothing(kind: str) -> Answer:
    """Return an empty list."""
    listed = {"apiVersion": "taskqueue.dev/v1alpha1", "kind": f"{kind}List", "items": []}
    return Answer(HTTPStatus.OK, json.dumps({**listed, "metadata": {"resourceVersion": "1", "continue": ""}}))


@dataclass
class FlakyApi:
    """The proxy. answers: replace those of the server, one per request, until used up. delay_s: before each request.

    asked: the number of requests by name. While `watching` is clear, watches deliver no events and no end.
    """

    session: ClientSession
    server: str
    tls: ssl.SSLContext
    answers: dict[str, Iterator[Answer]] = field(default_factory=dict)
    delay_s: dict[str, float] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    watching: asyncio.Event = field(default_factory=asyncio.Event)
    _open: defaultdict[str, set[asyncio.Transport]] = field(default_factory=lambda: defaultdict(set))

    def cut(self, what: str) -> int:
        """End the connections of all current requests of a name, and return their number."""
        cut = self._open.pop(what, set())
        for connection in cut:
            connection.abort()
        return len(cut)

    async def serve(self, request: BaseRequest) -> web.StreamResponse:
        what = _name(request)
        self.asked[what] += 1
        await asyncio.sleep(self.delay_s.get(what, 0))
        own = next(self.answers.get(what, iter(())), None)
        if own:
            headers = {"Content-Type": "application/json", **own.headers}
            return web.Response(status=own.status, text=own.body, headers=headers)
        connection = request.transport
        assert connection
        self._open[what].add(connection)
        try:
            return await self._pass(request, what.startswith("watch "))
        except ClientConnectionResetError:  # it was cut, or whoever asked went away
            return web.Response()
        finally:
            self._open[what].discard(connection)

    async def _pass(self, request: BaseRequest, watch: bool) -> web.StreamResponse:
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _NOT_PASSED}
        async with self.session.request(
            request.method,
            f"{self.server}{request.path_qs}",
            data=await request.read() or None,
            headers=headers,
            ssl=self.tls,
        ) as answer:
            response = web.StreamResponse(status=answer.status)
            response.content_type = answer.content_type
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                if watch:
                    await self.watching.wait()
                await response.write(chunk)
            if watch:
                await self.watching.wait()
            await response.write_eof()
            return response


def _name(request: BaseRequest) -> str:
    """Verb and resource of /apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE[/NAME[/SUBRESOURCE]]."""
    parts = request.path.strip("/").split("/")
    resource, name, *sub = [*(parts[5:] or parts), ""]
    verb = request.method.lower()
    if verb == "get" and not name:
        verb = "watch" if "watch" in request.query else "list"
    return " ".join((verb, "/".join([resource, *filter(None, sub)])))


@asynccontextmanager
async def flaky_api(real: Path, path: Path) -> AsyncIterator[tuple[Path, FlakyApi]]:
    """A proxy to the server of a kubeconfig, and a kubeconfig, written to `path`, to reach it by."""
    config = json.loads(await asyncio.to_thread(real.read_text))
    cluster = config["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    async with ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout()) as session:
        proxy = FlakyApi(session, cluster["server"], tls)
        proxy.watching.set()
        runner = web.ServerRunner(web.Server(proxy.serve), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = runner.addresses[0][1]
            kubeconfig.write(path, {"server": f"http://127.0.0.1:{port}"}, config["users"][0]["user"])
            yield path, proxy
        finally:
            proxy.watching.set()
            await runner.cleanup()
