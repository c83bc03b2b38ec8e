"""A store's URL is read whole: parts that would be dropped in silence are refused."""

import pytest

from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreUrlError
from taskqueue.store.url import parse_url


@pytest.mark.parametrize(
    ("text", "kind", "tls", "hosts", "service", "database"),
    [
        ("redis://cache", "server", False, (("cache", 6379),), "", 0),
        ("redis:///3", "server", False, (("127.0.0.1", 6379),), "", 3),
        ("rediss://me:s%40c@cache:1/2", "server", True, (("cache", 1),), "", 2),
        ("redis://[::1]:7/0", "server", False, (("::1", 7),), "", 0),
        ("redis+cluster://a:7001", "cluster", False, (("a", 7001),), "", 0),
        ("rediss+sentinel://u:p@a,b:2/main/4", "sentinel", True, (("a", 26379), ("b", 2)), "main", 4),
    ],
)
def test_a_url_names_kind_hosts_service_and_database(
    text: str, kind: str, tls: bool, hosts: tuple[tuple[str, int], ...], service: str, database: int
) -> None:
    url = parse_url(text)
    assert (url.kind, url.tls, url.hosts, url.service, url.database) == (kind, tls, hosts, service, database)


def test_login_and_parameters_are_unquoted_and_typed() -> None:
    url = parse_url("rediss+sentinel://me:s%40c@a/main?ssl_ca_certs=%2Fca.pem&ssl_check_hostname=no&db=2")
    assert (url.username, url.password, url.database) == ("me", "s@c", 2)
    assert url.parameters == {"ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False}
    assert "s@c" not in repr(url)


def test_a_unix_socket_has_a_path_and_no_host() -> None:
    url = parse_url("unix:///run/redis.sock?db=1")
    assert (url.path, url.hosts, url.database) == ("/run/redis.sock", (), 1)


@pytest.mark.parametrize(
    "text",
    [
        "http://cache",
        "redis+proxy://cache",
        "redis://cache/abc",
        "redis+sentinel://a,b",
        "redis+sentinel:///main",
        "redis+cluster://",
        "redis://cache:port",
        "redis://cache?db=one",
        "rediss://cache?ssl_check_hostname=perhaps",
    ],
)
def test_a_url_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(StoreUrlError, match="redis://"):
        open_store(text)


@pytest.mark.parametrize("prefix", ["redis://cache/0", "redis+sentinel://a/main", "redis+cluster://a"])
def test_an_unknown_parameter_is_refused_by_name(prefix: str) -> None:
    with pytest.raises(StoreUrlError, match="'foo' must be one of db, client_name"):
        open_store(f"{prefix}?foo=bar")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("redis://cache?ssl_ca_certs=/ca.pem", "need rediss://"),
        ("redis+sentinel://a/main?ssl_keyfile=/key", "need rediss://"),
        ("unix:///run/redis.sock?ssl_keyfile=/key", "need rediss://"),
        ("rediss://cache?ssl_cert_reqs=perhaps", "must be one of none, optional, required"),
        ("unix://", "unix:///path"),
        ("unix://run/redis.sock", "unix:///path"),
        ("unix+cluster:///run/redis.sock", "unix:///path"),
        ("redis+cluster://a/3", "0: a cluster has no other"),
        ("redis+cluster://a?db=3", "0: a cluster has no other"),
        ("redis://cache/-1", "0 or more"),
        ("redis://a,b/0", "Several hosts need"),
        ("redis://cache/0#1", "%23"),
        ("redis://cache:0", "redis://"),
        ("redis://me:\udcff@cache", "redis://"),
    ],
)
def test_a_part_that_no_connection_could_follow_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(StoreUrlError, match=remedy):
        open_store(text)
