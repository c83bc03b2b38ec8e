"""Credentials at a TLS server: every supported form, and files that are replaced while the operator runs."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPMethod, HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectorCertificateError, web
from structlog.testing import capture_logs

from taskqueue_operator.access.kubeconfig import KubeconfigError
from taskqueue_operator.connection import ApiError, Connection, connect
from tests.support.kubernetes import kubeconfig
from tests.support.kubernetes.certificates import Authority

V1 = "client.authentication.k8s.io/v1"
EMPTY = json.dumps({"apiVersion": V1, "status": {}})


@dataclass
class Server:
    """Keeps the Authorization header and the client certificate of each request; answers 401 while it refuses."""

    authority: Authority
    port: int = 0
    refuses: bool = False
    authorizations: list[str] = field(default_factory=list)
    certificates: list[Any] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        assert request.transport
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.certificates.append(request.transport.get_extra_info("peercert"))
        return web.Response(status=HTTPStatus.UNAUTHORIZED if self.refuses else HTTPStatus.OK)

    @property
    def user(self) -> str:
        """Return the common name of the last client certificate."""
        subject = dict(pair for (pair,) in self.certificates[-1]["subject"])
        return str(subject["commonName"])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(Authority(tmp_path / "authority"))
    certificate = made.authority.server("server", ["api.example"], ["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=made.authority.certificate)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    context.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read credentials again at every call."""
    monkeypatch.setattr("taskqueue_operator.access.credentials._PERIOD_S", 0)


@pytest.fixture
def impatient_when_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskqueue_operator.access.credentials._REFUSED_PERIOD_S", 0)


@asynccontextmanager
async def connected(
    server: Server, folder: Path, user: dict[str, Any], **cluster: Any
) -> AsyncIterator[Connection]:
    trust = {} if cluster else {"certificate-authority": str(server.authority.certificate)}
    entry = {"server": f"https://127.0.0.1:{server.port}", **trust, **cluster}
    async with connect(kubeconfig.write(folder / "kubeconfig", entry, user)) as connection:
        yield connection


async def call(connection: Connection) -> None:
    await connection.call(HTTPMethod.GET, "/version")


async def test_a_token_file_is_read_again(server: Server, tmp_path: Path, impatient: None) -> None:
    (tmp_path / "token").write_text("first\n")
    async with connected(
        server, tmp_path, {"tokenFile": "token", "token": "of the kubeconfig"}
    ) as connection:
        await call(connection)
        (tmp_path / "token").write_text("second\n")
        await call(connection)
        (tmp_path / "token").unlink()
        with capture_logs() as logs:
            await call(connection)
    assert server.authorizations == ["Bearer first", "Bearer second", "Bearer second"]
    assert [line["event"] for line in logs] == ["credentials not renewed"]


async def test_a_token_file_is_read_once_a_minute(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first")
    async with connected(server, tmp_path, {"tokenFile": "token"}) as connection:
        (tmp_path / "token").write_text("second")
        await call(connection)
    assert server.authorizations == ["Bearer first"]


async def test_a_refused_token_is_read_again_at_once(
    server: Server, tmp_path: Path, impatient_when_refused: None
) -> None:
    (tmp_path / "token").write_text("first")
    async with connected(server, tmp_path, {"tokenFile": "token"}) as connection:
        (tmp_path / "token").write_text("second")
        server.refuses = True
        with pytest.raises(ApiError, match="401"):
            await call(connection)
        server.refuses = False
        await call(connection)
    assert server.authorizations == ["Bearer first", "Bearer second"]


async def test_replaced_authorities_are_trusted(
    server: Server, tmp_path: Path, impatient_when_refused: None
) -> None:
    (ca := tmp_path / "ca.crt").write_bytes(Authority(tmp_path / "former").certificate.read_bytes())
    trust = {"certificate-authority": "ca.crt"}
    async with connected(server, tmp_path, {"token": "t"}, **trust) as connection:
        with pytest.raises(ClientConnectorCertificateError):
            await call(connection)
        ca.write_bytes(server.authority.certificate.read_bytes())
        await call(connection)
        kept = connection.credentials.transport["ssl"]
        await connection.credentials.read()
        assert connection.credentials.transport["ssl"] is kept, "no new connections while nothing changed"
        ca.write_bytes(b"")
        with pytest.raises(KubeconfigError, match="certificate-authority must have content"):
            await connection.credentials.read()


async def test_a_client_certificate_is_an_identity(server: Server, tmp_path: Path) -> None:
    certificate = server.authority.client("ada", "ada")
    inline = {
        "client-certificate-data": kubeconfig.inline(certificate),
        "client-key-data": kubeconfig.inline(certificate.with_suffix(".key")),
    }
    files = {"client-certificate": str(certificate), "client-key": str(certificate.with_suffix(".key"))}
    for user in (inline, files):
        async with connected(server, tmp_path, user) as connection:
            await call(connection)
        assert server.user == "ada"
        assert server.authorizations.pop() == ""
    with pytest.raises(KubeconfigError, match="with their key"):
        async with connected(server, tmp_path, {"client-certificate": str(certificate)}):
            pass


async def test_a_password_is_sent_as_basic_authentication(server: Server, tmp_path: Path) -> None:
    async with connected(server, tmp_path, {"username": "ada", "password": "p"}) as connection:
        await call(connection)
    assert base64.b64decode(server.authorizations[0].removeprefix("Basic ")) == b"ada:p"


async def test_tls_server_name_is_the_name_to_verify(server: Server, tmp_path: Path) -> None:
    trust = {"certificate-authority-data": kubeconfig.inline(server.authority.certificate)}
    async with connected(server, tmp_path, {}, **trust, **{"tls-server-name": "api.example"}) as connection:
        await call(connection)
    async with connected(server, tmp_path, {}, **trust, **{"tls-server-name": "other.example"}) as connection:
        with pytest.raises(ClientConnectorCertificateError, match=r"other\.example"):
            await call(connection)


async def test_insecure_skip_tls_verify_trusts_any_server(server: Server, tmp_path: Path) -> None:
    async with connected(server, tmp_path, {}, **{"insecure-skip-tls-verify": True}) as connection:
        await call(connection)


async def test_a_pod_connects_by_its_service_account(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (account := tmp_path / "account").mkdir()
    (account / "token").write_text("t\n")
    monkeypatch.setattr("taskqueue_operator.connection._SERVICE_ACCOUNT", account)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    with pytest.raises(KubeconfigError, match="KUBERNETES_SERVICE_HOST must be set"):
        await connect().__aenter__()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    with pytest.raises(KubeconfigError, match=r"certificate-authority must be a readable file .*ca\.crt"):
        await connect().__aenter__()
    (account / "ca.crt").write_bytes(server.authority.certificate.read_bytes())
    async with connect() as connection:
        assert connection.credentials.server == f"https://[fd00::1]:{server.port}"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    async with connect() as connection:
        await call(connection)
    assert server.authorizations == ["Bearer t"]


@dataclass
class Plugin:
    """A credential plugin that counts its runs and records its environment."""

    folder: Path

    def user(self, *lines: str, **fields: Any) -> dict[str, Any]:
        """Write the program, which runs shell lines and then prints the credentials given to `prints`."""
        program = self.folder / "plugin"
        script = (
            "#!/bin/sh",
            f"cd {self.folder}",
            "echo >> runs",
            'echo "$KUBERNETES_EXEC_INFO$MORE" > received',
            *lines,
        )
        program.write_text("\n".join((*script, "cat printed\n")))
        program.chmod(0o700)
        return {"exec": {"apiVersion": V1, "command": "./plugin", "interactiveMode": "Never", **fields}}

    def prints(self, version: str = V1, **status: Any) -> None:
        (self.folder / "printed").write_text(json.dumps({"apiVersion": version, "status": status}))

    @property
    def runs(self) -> int:
        return len((self.folder / "runs").read_text().splitlines())


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.mark.parametrize(("expires_in_s", "runs"), [(None, 1), (3600, 1), (60, 3)])
async def test_a_plugin_runs_again_before_its_token_expires(
    expires_in_s: int | None, runs: int, plugin: Plugin, server: Server, tmp_path: Path, impatient: None
) -> None:
    expires = expires_in_s and (datetime.now(UTC) + timedelta(seconds=expires_in_s)).isoformat()
    plugin.prints(token="t", **({"expirationTimestamp": expires} if expires else {}))
    async with connected(server, tmp_path, plugin.user()) as connection:
        await call(connection)
        await call(connection)
    assert server.authorizations == ["Bearer t"] * 2
    assert plugin.runs == runs


async def test_a_plugin_runs_again_after_its_token_is_refused(
    plugin: Plugin, server: Server, tmp_path: Path, impatient_when_refused: None
) -> None:
    plugin.prints(token="first")
    async with connected(server, tmp_path, plugin.user()) as connection:
        plugin.prints(token="second")
        server.refuses = True
        with pytest.raises(ApiError, match="401"):
            await call(connection)
        await asyncio.gather(call(connection), return_exceptions=True)
    assert server.authorizations == ["Bearer first", "Bearer second"]


async def test_a_plugin_may_print_a_client_certificate(
    plugin: Plugin, server: Server, tmp_path: Path
) -> None:
    certificate = server.authority.client("ada", "ada")
    key = certificate.with_suffix(".key").read_text()
    plugin.prints(clientCertificateData=certificate.read_text(), clientKeyData=key)
    async with connected(server, tmp_path, plugin.user()) as connection:
        await call(connection)
    assert server.user == "ada"


async def test_a_plugin_receives_the_cluster_on_request(
    plugin: Plugin, server: Server, tmp_path: Path
) -> None:
    plugin.prints(token="t")
    user = plugin.user(provideClusterInfo=True, env=[{"name": "MORE", "value": " and more"}])
    async with connected(server, tmp_path, user):
        received, _, more = (tmp_path / "received").read_text().partition(" and ")
    assert more == "more\n"
    assert json.loads(received) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": f"https://127.0.0.1:{server.port}",
                "certificate-authority-data": kubeconfig.inline(server.authority.certificate),
            },
        },
    }


@pytest.mark.parametrize(
    ("lines", "fields", "words"),
    [
        (["echo expired >&2", "exit 3"], {}, "must exit with 0 (was 3): expired"),
        (["echo [", "exit"], {}, "must print an ExecCredential"),
        (["exec sleep 60"], {}, "must end within 0 s"),
        ([], {"command": "/nowhere"}, "/nowhere must be a program"),
        ([], {"apiVersion": f"{V1}beta1"}, f"must print apiVersion {V1}beta1 (was {V1})"),
        ([f"echo '{EMPTY}'", "exit"], {}, "must print a token, or"),
    ],
)
async def test_a_plugin_that_fails_is_logged_and_runs_again(
    lines: list[str],
    fields: dict[str, str],
    words: str,
    plugin: Plugin,
    server: Server,
    tmp_path: Path,
    impatient_when_refused: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("taskqueue_operator.access.plugin._TIMEOUT_S", 0.3)
    plugin.prints(token="t")
    user = plugin.user(*lines, **fields)
    with capture_logs() as logs:
        async with connected(server, tmp_path, user) as connection:
            await call(connection)
            monkeypatch.setattr("taskqueue_operator.access.plugin._TIMEOUT_S", 60)
            plugin.user()
            await call(connection)
    assert {line["event"] for line in logs} == {"credential plugin failed"}
    assert all(words in line["error"] for line in logs)
    assert server.authorizations == ["", "" if fields else "Bearer t"]
