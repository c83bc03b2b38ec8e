"""Parts of the external metrics API without a cluster: certificates, callers, documents."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from cryptography import x509

from taskqueue_operator.external_metrics.certificates import LIFE, Pair, fault, make
from taskqueue_operator.external_metrics.documents import failure, selects, value
from taskqueue_operator.external_metrics.front_proxy import Caller, FrontProxy
from taskqueue_operator.external_metrics.tls import context

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = ["metrics.shop.svc"]
PAIR = make(NAMES, NOW)
SUBJECT = ((("organizationName", "x"),), (("commonName", "front-proxy-client"),))


def test_a_pair_is_valid_for_two_thirds_of_its_life() -> None:
    assert fault(PAIR, NAMES, NOW) is None
    assert fault(PAIR, NAMES, NOW + LIFE * 0.65) is None
    assert fault(PAIR, NAMES, NOW + LIFE * 0.67) == "two thirds of its life are over"


def test_a_certificate_is_signed_by_a_keyless_authority() -> None:
    certificate = x509.load_pem_x509_certificate(PAIR.certificate)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(PAIR.authorities))
    assert b"PRIVATE" not in PAIR.authorities
    assert PAIR.key.count(b"PRIVATE KEY") == 2
    made = context(PAIR, FrontProxy())
    assert made.verify_mode == ssl.CERT_NONE
    assert context(PAIR, FrontProxy(PAIR.authorities.decode())).verify_mode == ssl.CERT_OPTIONAL


def test_only_the_last_authority_stays_trusted() -> None:
    second = make(NAMES, NOW + LIFE / 2, PAIR.authorities)
    third = make(NAMES, NOW + LIFE * 0.9, second.authorities)
    assert second.authorities.endswith(PAIR.authorities)
    assert third.authorities.count(b"BEGIN") == 2
    assert PAIR.authorities not in third.authorities
    late = make(NAMES, NOW + LIFE * 3, PAIR.authorities)
    assert late.authorities.count(b"BEGIN") == 1, "one that has ended is of no use"


@pytest.mark.parametrize(
    ("pair", "names", "fault_text"),
    [
        (Pair(b"", b"", b""), NAMES, "unreadable"),
        (replace(PAIR, certificate=b"nonsense"), NAMES, "unreadable"),
        (replace(PAIR, key=make(NAMES, NOW).key), NAMES, "its key belongs to another certificate"),
        (replace(PAIR, authorities=make(NAMES, NOW).authorities), NAMES, "unreadable"),
        (PAIR, ["other.shop.svc"], "its names must be other.shop.svc"),
    ],
)
def test_an_invalid_pair_is_replaced(pair: Pair, names: list[str], fault_text: str) -> None:
    assert str(fault(pair, names, NOW)).startswith(fault_text)
    assert fault(make(names, NOW, pair.authorities), names, NOW) is None


def test_the_config_map_names_trusted_callers() -> None:
    data = {
        "requestheader-client-ca-file": "PEM",
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    }
    proxy = FrontProxy.read(data)
    assert proxy == FrontProxy("PEM", ("front-proxy-client",))
    assert FrontProxy.read({}).authorities == ""


def test_only_the_certificate_of_the_front_proxy_is_trusted() -> None:
    proxy = FrontProxy("PEM", ("front-proxy-client",))
    assert proxy.vouches({"subject": SUBJECT})
    assert not proxy.vouches({"subject": ((("commonName", "somebody"),),)})
    assert not proxy.vouches({"subject": ((("organizationName", "front-proxy-client"),),)})
    assert not proxy.vouches({})
    assert not proxy.vouches(None)
    assert FrontProxy("PEM").vouches({"subject": SUBJECT}), "no names: any that the authority signed"


def test_a_caller_is_named_by_the_front_proxy() -> None:
    headers = [
        ("X-Remote-User", "ada"),
        ("X-REMOTE-GROUP", "b"),
        ("x-remote-group", "a"),
        ("X-Remote-Extra-Example.com%2Fscope", "one"),
        ("X-Remote-Extra-example.com%2fscope", "two"),
        ("Accept", "*/*"),
    ]
    assert FrontProxy().caller(headers) == Caller("ada", ("b", "a"), (("example.com/scope", ("one", "two")),))
    assert FrontProxy().caller([("X-Remote-Group", "system:masters")]) is None
    assert FrontProxy().caller([("X-Remote-User", "")]) is None


def test_a_value_is_one_item_in_thousandths() -> None:
    (item,) = value(1234.5678, {"release": "shop"}, NOW)["items"]
    assert item == {
        "metricName": "taskqueue_work_seconds",
        "metricLabels": {"release": "shop"},
        "timestamp": "2026-11-24T00:00:00Z",
        "value": "1234568m",
    }
    assert value(0, {}, NOW - timedelta(1))["items"][0]["value"] == "0m"


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("release=shop", True),
        ("release==shop, release=shop", True),
        ("release=other", False),
        ("release in (shop)", False),
        ("release=shop,queue=a", False),
    ],
)
def test_selectors_match_the_labels_of_the_series(selector: str, fits: bool) -> None:
    assert selects(selector, {"release": "shop"}) == fits


def test_a_failure_is_a_status_for_clients() -> None:
    status = failure(HTTPStatus.NOT_FOUND, "there is no such metric")
    assert (status["kind"], status["status"], status["reason"], status["code"]) == (
        "Status", "Failure", "NotFound", 404,
    )  # fmt: skip
    assert failure(HTTPStatus.SERVICE_UNAVAILABLE, "")["reason"] == "ServiceUnavailable"
