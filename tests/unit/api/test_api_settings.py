"""Settings of `taskqueue api`: hosts, and the refusals of nonsense."""

import pytest

from taskqueue.process.settings import load
from taskqueue_api.settings import ApiSettings

PROG = "taskqueue api"


def test_hosts_are_names_and_addresses() -> None:
    settings = load(ApiSettings, ["--hosts", "Queue.example.com,10.1.2.3", "--hosts", "2001:DB8::1"], PROG)
    assert settings.hosts == ["queue.example.com", "10.1.2.3", "2001:db8::1"]


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback_is_known(host: str, is_loopback: bool) -> None:
    assert load(ApiSettings, ["--host", host], PROG).is_loopback is is_loopback


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--hosts", "https://queue.example.com"], "--hosts[0] must be a host name"),
        (["--hosts", "queue.example.com:443"], "--hosts[0] must be a host name"),
        (["--hosts", "*"], "--hosts[0] must be a host name"),
        (["--hosts", ""], "--hosts[0] must be a host name"),
        (["--host", ""], "--host must have 1 or more characters"),
        (["--port", "65536"], "--port must be"),
        (["--session", "59"], "--session must be"),
        (["--one-time-token", "short"], "--one-time-token must have at least 16 characters (was hidden)"),
    ],
)
def test_nonsense_is_refused_by_name(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load(ApiSettings, arguments, PROG)
    assert ended.value.code == 2
    assert word in (said := capsys.readouterr().err)
    assert "short" not in said.split("--help")[0].replace("shorter", "")
