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
    assert (url.topology, url.tls, url.hosts, url.service, url.database) == (
        kind,
        tls,
        hosts,
        service,
        database,
    )


def test_login_and_parameters_are_unquoted_and_typed() -> None:
    url = parse_url("rediss+sentinel://me:s%40c@a/main?ssl_ca_certs=%2Fca.pem&ssl_check_hostname=no&db=2")
    assert (url.username, url.password, url.database) == ("me", "s@c", 2)
    assert url.parameters == {"ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False}
    assert "s@c" not in repr(url)


def test_a_unix_socket_has_a_path_and_no_host() -> None:
    url = parse_url("unix:///run/redis.sock?db=1")
    assert (url.path, url.hosts, url.database) == ("/run/redis.sock", (), 1)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("http://cache", "must begin with redis://"),
        ("redis+proxy://cache", "must begin with redis://"),
        ("unix+cluster:///run/redis.sock", "must begin with .*unix:///path"),
        ("redis:HOST:PORT", "must begin with redis://"),
        ("cache:6379", "must begin with redis://"),
        ("", "must begin with redis://"),
        ("redis://cache/abc", "path must be the number of a database, .* as in redis://HOST:PORT/0"),
        ("redis://cache/0/1", "path must be the number of a database"),
        ("redis://cache//", "path must be the number of a database"),
        ("redis://cache/1e3", "path must be the number of a database"),
        ("redis://cache/\u0661", "path must be the number of a database"),
        ("redis://cache/99999999999", "path must be the number of a database"),
        ("redis+sentinel://a/main/x", "as in redis\\+sentinel://HOST,HOST/SERVICE/0"),
        ("redis+sentinel://a/main/0/1", "as in redis\\+sentinel://HOST,HOST/SERVICE/0"),
        ("redis+sentinel://a,b", "must name the service"),
        ("redis+sentinel://a/main%00", "service must hold no control characters"),
        ("redis+sentinel:///main", "host is missing"),
        ("redis+cluster://", "host is missing"),
        ("redis://me:pw@/0", "host is missing"),
        ("redis://:6379/0", "host is missing"),
        ("redis+cluster://a,,b", "host is missing"),
        ("redis://cache:", "port must be a whole number"),
        ("redis://cache:port", "port must be a whole number"),
        ("redis://cache:70000", "port must be a whole number"),
        ("redis://cache:+1", "port must be a whole number"),
        ("redis://cache:6_379", "port must be a whole number"),
        ("redis://::1:6379", "stands in brackets"),
        ("redis://[::1", "stands in brackets"),
        ("redis://[cache]", "must be an IPv6 address"),
        ("redis://[::1]x:1", "stands in brackets"),
        ("redis://my%2Dcache", "host must be a name"),
        ("redis://a..b", "host must be a name"),
        (f"redis://{'a' * 64}.example", "host must be a name"),
        ("redis://c|che", "host must be a name"),
        ("redis://cache?db=one", "'db' must be the number of a database"),
        ("redis://cache?db=", "'db' must be left out, or have a value"),
        ("redis://cache?db=1&db=1", "'db' must be given once"),
        ("redis://cache/1?db=2", "must name the same database"),
        ("redis://cache?client_name=a%20b", "'client_name' must be ASCII letters"),
        ("redis://cache?client_name=%FF", "'client_name' must be percent-encoded as UTF-8"),
        ("redis://cache?db=1&", "parameter must be one of"),
        ("rediss://cache?ssl_check_hostname=perhaps", "must be true or false"),
        ("rediss://cache?ssl_ca_certs=", "'ssl_ca_certs' must be left out, or have a value"),
        ("rediss://cache?ssl_ca_certs=a%00b", "'ssl_ca_certs' must be text without control"),
        ("rediss://cache?ssl_keyfile=/key", "'ssl_keyfile' needs 'ssl_certfile'"),
        ("redis://cache?ssl_password=geheim", "'ssl_password' must be one of"),
        ("redis://me:%FF@cache", "password must be percent-encoded as UTF-8"),
        ("redis://cache/0\n", "no white space"),
        ("redis://:geheim@cache\r\n", "ends in a line end, .* make the Secret with `--from-literal`"),
        ("redis://:ge heim@cache\n", "a blank is %20"),
        ("unix:///run/%00", "path must hold no control characters"),
    ],
)
def test_an_unreadable_url_is_refused_by_its_part(text: str, remedy: str) -> None:
    with pytest.raises(StoreUrlError, match=remedy) as caught:
        open_store(text)
    assert "geheim" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("sign", ["#", "/", "?", "@", " ", "%", "\t", "%zz", "#/?@"])
@pytest.mark.parametrize(
    "form",
    [
        "redis://:57{}Wc903z@host/0",
        "redis://ann:57{}Wc903z@host:6379/0",
        "redis://57{}Wc903z:x@host/0",
        "rediss://:{}Wc903z@host/0",
        "unix://:57{}Wc903z@/run/redis.sock",
        "redis+sentinel://:57{}Wc903z@a,b/main/0",
        "rediss+cluster://ann:57{}Wc903z@a,b",
    ],
)
def test_an_unencoded_password_is_refused_and_not_shown(form: str, sign: str) -> None:
    with pytest.raises(StoreUrlError, match="Percent-encode the password") as caught:
        parse_url(form.format(sign))
    assert (
        "903" not in f"{caught.value!r}{caught.value}{caught.value.__context__!r}{caught.value.__cause__!r}"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://TOKEN@cache", "redis://***@cache:6379/0"),
        ("redis://TOKEN:@cache/1/", "redis://***@cache:6379/1"),
        ("rediss://me:a:b!$&'()*+,;=~%25@Cache_1.Example:1", "rediss://***@cache_1.example:1/0"),
        ("redis://:p%40ss@[FE80::1%25eth0]:7", "redis://***@[fe80::1%25eth0]:7/0"),
        ("unix://:pw@/run/a%40b.sock?db=2", "unix://***@/run/a@b.sock?db=2"),
        ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
        ("REDIS+SENTINEL://:pw@a,b:2/main", "redis+sentinel://***@a:26379,b:2/main/0"),
        ("redis+cluster://a,b/0?client_name=x", "redis+cluster://a:6379,b:6379"),
        ("redis://b\u00fccher.example/", "redis://b\u00fccher.example:6379/0"),
    ],
)
def test_a_url_is_shown_without_its_login(text: str, shown: str) -> None:
    url = parse_url(text)
    assert str(url) == shown
    assert parse_url(shown.replace("***@", "")).hosts == url.hosts
    assert not any(secret in repr(url) for secret in ("TOKEN", "a:b", "p@ss", "pw"))


@pytest.mark.parametrize("prefix", ["redis://cache/0", "redis+sentinel://a/main", "redis+cluster://a"])
def test_an_unknown_parameter_is_refused_by_name(prefix: str) -> None:
    with pytest.raises(StoreUrlError, match="'foo' must be one of db, client_name"):
        open_store(f"{prefix}?foo=bar")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("redis://cache?ssl_ca_certs=/ca.pem", "must begin with rediss://"),
        ("redis+sentinel://a/main?ssl_keyfile=/key", "must begin with rediss://"),
        ("unix:///run/redis.sock?ssl_keyfile=/key", "must begin with rediss://"),
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
def test_an_unusable_part_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(StoreUrlError, match=remedy):
        open_store(text)
