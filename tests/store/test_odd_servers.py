"""A URL of the wrong server, or in the wrong form: one sentence, with the right form, and its exit code."""

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app
from taskqueue.store.command import get
from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreUnavailable
from tests.support.kubernetes.certificates import Authority
from tests.support.process.child import Child, free_ports
from tests.support.store.server import HOST, RedisServer, program, wait_until

OLD_INFO = b"# Server\r\nredis_version:6.2.14\r\nrun_id:0123\r\n"


class Fake:
    """Answers everybody with the same bytes. hangs_up: after the first answer."""

    def __init__(self, answer: bytes, *, hangs_up: bool = True) -> None:
        self._answer, self._hangs_up = answer, hangs_up
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                with connection:
                    while data := connection.recv(10_000):
                        connection.sendall(self._answer * max(1, data.count(b"*")))
                        if self._hangs_up:
                            break
        except OSError:
            return


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Names that the URLs below are put together of: ports, and files for TLS."""
    folder = tmp_path_factory.mktemp("odd")
    authority = Authority(folder / "tls")
    certificate = authority.server("redis", ["localhost"], [HOST])
    own = authority.client("ann", "ann")
    (tls, mutual) = free_ports(2)
    common: dict[str, Any] = {
        "tls-cert-file": str(certificate),
        "tls-key-file": str(certificate.with_suffix(".key")),
        "tls-ca-cert-file": str(authority.folder / "ca.crt"),
    }
    plain = RedisServer("plain", folder, **(common | {"tls-port": str(tls), "tls-auth-clients": "no"}))
    strict = RedisServer("strict", folder, **(common | {"tls-port": str(mutual)}))
    buses = free_ports(2)
    member, whole = (
        RedisServer(name, folder, cluster_enabled="yes", cluster_port=str(bus))
        for name, bus in zip(("member", "whole"), buses, strict=True)
    )
    with ExitStack() as stack:
        for server in (plain, strict, member, whole):
            stack.callback(server.kill)
            server.start()
        strict.call("CONFIG", "SET", "requirepass", "hush")
        whole.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until("the cluster is ready", lambda: b"cluster_state:ok" in whole.call("CLUSTER", "INFO"))
        plain.call("ACL", "SETUSER", "TOKENTOKEN", "on", "nopass", "+ping")
        fakes = {
            "http": Fake(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
            "old": Fake(b"$%d\r\n%b\r\n" % (len(OLD_INFO), OLD_INFO), hangs_up=False),
            "mute": Fake(b""),
        }
        for fake in fakes.values():
            stack.callback(fake.close)
        yield {
            **{name: f"{HOST}:{fake.port}" for name, fake in fakes.items()},
            "plain": f"{HOST}:{plain.port}",
            "tls": f"{HOST}:{tls}",
            "mutual": f"{HOST}:{mutual}",
            "strict": f"{HOST}:{strict.port}",
            "member": f"{HOST}:{member.port}",
            "whole": f"{HOST}:{whole.port}",
            "sentinel": f"{HOST}:{stack.enter_context(sentinel(folder, plain.port))}",
            "locked": f"{HOST}:{stack.enter_context(sentinel(folder, plain.port, 'hush'))}",
            "ca": f"ssl_ca_certs={authority.folder}/ca.crt",
            "own": f"ssl_certfile={own}&ssl_keyfile={own.with_suffix('.key')}",
        }


@contextmanager
def sentinel(folder: Path, primary: int, password: str = "") -> Iterator[int]:
    """Run a Sentinel that knows the service `main`; its port."""
    (port,) = free_ports(1)
    file = folder / f"sentinel-{port}.conf"
    lines = [f"port {port}", f"bind {HOST}", f"sentinel monitor main {HOST} {primary} 1"]
    lines += [f"requirepass {password}"] if password else []
    file.write_text("\n".join(lines) + "\n")
    child = Child(program("redis"), file.with_suffix(".log"), str(file), "--sentinel")

    def answers() -> bool:
        with socket.create_connection((HOST, port), timeout=1):
            return True

    try:
        wait_until("the Sentinel answers", answers)
        yield port
    finally:
        child.kill()


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("redis://{plain}/0", ExitCode.OK, ""),
        ("redis://localhost:{plain_port}/", ExitCode.OK, ""),
        ("rediss://{tls}/0?{ca}", ExitCode.OK, ""),
        ("rediss://:hush@{mutual}/0?{ca}&{own}", ExitCode.OK, ""),
        ("redis+cluster://{whole}", ExitCode.OK, ""),
        ("redis://{whole}/0", ExitCode.OK, ""),
        ("redis+sentinel://{sentinel}/main/1", ExitCode.OK, ""),
        ("rediss://{tls}/0", ExitCode.UNREACHABLE, "certificate verify failed.*ssl_ca_certs"),
        (
            "rediss://{mutual}/0?{ca}",
            ExitCode.UNREACHABLE,
            "ssl_certfile and ssl_keyfile",
        ),
        ("rediss://{plain}/0?{ca}", ExitCode.UNREACHABLE, "redis:// instead of rediss://"),
        ("rediss+cluster://{http}?{ca}", ExitCode.UNREACHABLE, "redis:// instead of rediss://"),
        ("rediss+sentinel://{http}/main?{ca}", ExitCode.UNREACHABLE, "redis:// instead of rediss://"),
        ("rediss://{http}/0?{ca}", ExitCode.UNREACHABLE, "redis:// instead of rediss://"),
        ("redis://{tls}/0", ExitCode.UNREACHABLE, "rediss:// instead of redis://"),
        ("redis+cluster://{tls}", ExitCode.UNREACHABLE, "rediss:// instead of redis://"),
        ("redis+sentinel://{tls}/main", ExitCode.UNREACHABLE, "rediss:// instead of redis://"),
        ("redis://{mute}/0", ExitCode.UNREACHABLE, "closed by server.*rediss:// instead of redis://"),
        ("redis://{http}/0", ExitCode.STORE_REFUSED, "something else than Redis"),
        ("redis+cluster://{http}", ExitCode.STORE_REFUSED, "something else than Redis"),
        ("redis+sentinel://{http}/main", ExitCode.STORE_REFUSED, "something else than Redis"),
        ("redis://{old}/0", ExitCode.STORE_REFUSED, r"its version must be 7 or later \(was 6.2.14\)"),
        ("redis://{plain}/99", ExitCode.STORE_REFUSED, "out of range.*write a database that it has"),
        ("redis+sentinel://{sentinel}/main/99", ExitCode.STORE_REFUSED, "out of range.*write a database"),
        ("redis://{whole}/1", ExitCode.STORE_REFUSED, r"cluster mode.*write redis\+cluster://"),
        ("redis://:no@{plain}/0", ExitCode.STORE_REFUSED, "correct the user name and the password"),
        ("redis://no:no@{plain}/0", ExitCode.STORE_REFUSED, "WRONGPASS.*correct the user name"),
        ("redis://{strict}/0", ExitCode.STORE_REFUSED, "NOAUTH.*correct the user name and the password"),
        ("redis+cluster://{strict}", ExitCode.STORE_REFUSED, "NOAUTH.*correct the user name"),
        ("redis+sentinel://{locked}/main", ExitCode.STORE_REFUSED, "TASKQUEUE_SENTINEL_PASSWORD"),
        ("redis://TOKENTOKEN@{plain}/0", ExitCode.STORE_REFUSED, "no permissions.*docs/redis.md"),
        ("redis+cluster://{plain}", ExitCode.STORE_REFUSED, r"write redis:// instead of redis\+cluster://"),
        ("redis+sentinel://{plain}/main", ExitCode.STORE_REFUSED, "no Sentinel answers there"),
        ("redis+sentinel://{sentinel}/other", ExitCode.UNREACHABLE, "'other'.*`sentinel monitor`"),
        ("redis://{sentinel}/0", ExitCode.STORE_REFUSED, r"write redis\+sentinel://HOST/SERVICE"),
        ("redis+cluster://{sentinel}", ExitCode.STORE_REFUSED, "no node of a cluster answers there"),
        ("redis+cluster://{member}", ExitCode.UNREACHABLE, "a node for every slot"),
        ("redis://nohost.invalid/0", ExitCode.UNREACHABLE, "correct the host"),
        ("redis+cluster://nohost.invalid", ExitCode.UNREACHABLE, "correct the host"),
        ("redis+sentinel://nohost.invalid/main", ExitCode.UNREACHABLE, "correct the host"),
        ("unix:///run/there-is-none.sock", ExitCode.UNREACHABLE, "No such file or directory"),
    ],
)
def test_a_url_gets_one_sentence_and_its_exit_code(
    places: dict[str, str], url: str, code: ExitCode, words: str
) -> None:
    port = places["plain"].rpartition(":")[2]
    done = CliRunner().invoke(app, ["audit", "--redis-url", url.format(**places, plain_port=port)])
    assert done.exit_code == code, done.output
    if code is ExitCode.OK:
        return
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("taskqueue: the store at ")
    assert re.search(words, sentence), sentence
    assert not re.search(r"TOKENTOKEN|[a-z]Error\b|_ssl\.c", sentence)


FAULTS = {
    "ssl_ca_certs={folder}/none": "'ssl_ca_certs' must name a file ({folder}/none: there is none)",
    "ssl_ca_certs={folder}": "'ssl_ca_certs' must name a file ({folder}: it is none)",
    "ssl_ca_certs=/dev/zero": "'ssl_ca_certs' must name a file (/dev/zero: it is none)",
    "ssl_ca_certs={folder}/ca.key": "'ssl_ca_certs' must name a PEM file of certificates ({folder}/ca.key",
    "ssl_ca_certs={folder}/text": "'ssl_ca_certs' must name a PEM file of certificates ({folder}/text",
    "ssl_ca_path={folder}/ca.crt": "'ssl_ca_path' must name a folder of certificates ({folder}/ca.crt",
    "ssl_certfile={folder}/none": "'ssl_certfile' must name a file ({folder}/none",
    "ssl_certfile={folder}/text": "'ssl_certfile' must name a PEM file of certificates ({folder}/text",
    "ssl_certfile={folder}/one.crt": "'ssl_certfile' must name a PEM file with a private key ({folder}/one.crt",
    "ssl_certfile={folder}/one.crt&ssl_keyfile={folder}/none": "'ssl_keyfile' must name a file ({folder}/none",
    "ssl_certfile={folder}/one.crt&ssl_keyfile={folder}/text": "'ssl_keyfile' must name a PEM file with a private key",
    "ssl_certfile={folder}/one.crt&ssl_keyfile={folder}/two.key": "'ssl_keyfile' must name the key of the certificate",
    "ssl_certfile={folder}/one.crt&ssl_keyfile={folder}/locked.key": "'ssl_keyfile' must name a key without a password",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    authority = Authority(tmp_path_factory.mktemp("files") / "tls")
    for name in ("one", "two"):
        authority.server(name, ["localhost"], [HOST])
    (authority.folder / "text").write_text("no certificate\n")
    (authority.folder / "locked.key").write_bytes(
        authority.key("locked").private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush"),
        )
    )
    return authority.folder


@pytest.mark.parametrize("scheme", ["rediss://a/0", "rediss+sentinel://a/main", "rediss+cluster://a"])
@pytest.mark.parametrize("parameters", FAULTS)
def test_an_invalid_tls_file_is_named_with_its_parameter(files: Path, scheme: str, parameters: str) -> None:
    url = f"{scheme}?{parameters.format(folder=files)}"
    done = CliRunner().invoke(app, ["audit", "--redis-url", url])
    assert done.exit_code == ExitCode.USAGE
    assert FAULTS[parameters].format(folder=files) in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_tls_file_removed_while_open_is_named(places: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    shutil.copy(places["ca"].partition("=")[2], file)
    async with open_store(f"rediss://{places['tls']}/0?ssl_ca_certs={file}") as store:
        file.unlink()
        with pytest.raises(StoreUnavailable, match=f"'ssl_ca_certs' must name a file .{file}: there is none"):
            await store.read(get("x"))
