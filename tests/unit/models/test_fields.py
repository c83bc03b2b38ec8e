from datetime import datetime, timedelta
from typing import Any

import pytest

from taskqueue.models.cron import check_cron, parse_cron
from taskqueue.models.fault import Fault
from taskqueue.models.http_call import check_headers, check_url
from taskqueue.models.identity import (
    check_function,
    check_job_id,
    check_object_name,
    check_type_name,
    check_user_id,
)
from taskqueue.models.nesting import MAX_DEPTH
from taskqueue.models.params import check_params, json_bytes
from taskqueue.models.quantity import parse_per_second
from taskqueue.models.refusal import ManifestRefusedError, Refusal, ValueRefusedError, excerpt, must_be
from taskqueue.models.time_zone import (
    PLACES,
    PLACES_BY_OFFSET,
    check_time_zone,
    read_time_zone,
    time_zone_names,
)


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "0 2 * * *",
        "*/5 8-18 * * MON-FRI",
        "0 0 29 2 *",
        "0 0 31 2 1",
        "0 0 L * *",
        "0 9 * * 1#5",
        "5,35 * * jan 0",
    ],
)
def test_a_firing_cron_line_is_accepted(text: str) -> None:
    check_cron(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 0 31 2 *", "must exist in the month"),
        ("0 0 30,31 2 *", "must exist in the month"),
        ("0 0 31 4,6,9,11 *", "must exist in the month"),
        ("0 0 30 2 */7", "must exist in the month"),
        ("60 * * * *", "the minute of cron must"),
        ("* 24 * * *", "the hour of cron must"),
        ("* * 0 * *", "the day of cron must"),
        ("* * * 13 *", "the month of cron must"),
        ("* * * * 8", "the weekday of cron must"),
        ("*/0 * * * *", "the minute of cron must"),
        ("5-1 * * * *", "the minute of cron must"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("@daily", "0 0 * * *"),
        ("", "five fields"),
        ("\N{ARABIC-INDIC DIGIT ZERO} * * * *", "five fields"),
        ("0 0\N{NO-BREAK SPACE}* * *", "five fields"),
        ("\x1c0 0 * * *", "five fields"),
        ("1," * 80 + "1 * * * *", "at most 128 characters"),
        ("0 0 LW * */7", "must name a date that exists"),
        ("0 0 31 4/5 *", "must name a date that exists"),
        ("0 0 */31 2 MON#5", "must name a date that exists"),
    ],
)
def test_a_wrong_or_silent_cron_line_names_its_wrong_part(text: str, says: str) -> None:
    with pytest.raises(ValueRefusedError, match=says):
        check_cron(text)


@pytest.mark.parametrize(
    ("weekday", "days"),
    [  # as robfig/cron 3, croniter 6 and Quartz 2 read them; where they do not agree, or refuse it, the first does
        ("1/2", {1, 3, 5}),
        ("MON/3", {1, 4}),
        ("MON/6", {1}),
        ("2/5", {2}),
        ("0/2", {0, 2, 4, 6}),
        ("SUN/7", {0}),
        ("6/2", {6}),
        ("sat/1", {6}),
        ("5/1", {5, 6}),
        ("*/2", {0, 2, 4, 6}),
        ("*/7", {0}),
        ("1-7/2", {0, 1, 3, 5}),
        ("0-7/3", {0, 3, 6}),
        ("5-5/2", {5}),
        ("MON-MON/2", {1}),
        ("7-7/3", {0}),
        ("7/2", {0, 2, 4, 6}),
        ("7", {0}),
        ("6-7", {6, 0}),
    ],
)
def test_a_step_of_weekdays_ends_with_saturday(weekday: str, days: set[int]) -> None:
    assert parse_cron(f"0 0 * * {weekday}").weekdays == days


@pytest.mark.parametrize(
    ("line", "field", "values"),
    [
        ("50/20 * * * *", "minutes", {50}),
        ("5-5/2 * * * *", "minutes", {5}),
        ("0 20/3 * * *", "hours", {20, 23}),
        ("0 7-7/5 * * *", "hours", {7}),
        ("0 0 25/3 * *", "days", {25, 28, 31}),
        ("0 0 9-9/9,L * *", "days", {9}),
        ("0 0 1 11/1 *", "months", {11, 12}),
        ("0 0 1 mar-MAR/2 *", "months", {3}),
    ],
)
def test_a_step_without_an_end_ends_with_its_field(line: str, field: str, values: set[int]) -> None:
    assert getattr(parse_cron(line), field) == values


def test_unknown_time_zones_get_the_nearest_suggestion() -> None:
    for name in ("UTC", "Europe/Berlin", "America/Argentina/Ushuaia"):
        check_time_zone(name)
    with pytest.raises(ValueRefusedError, match=r'such as "Europe/Berlin" \(was "Europe/Berlim"\)'):
        check_time_zone("Europe/Berlim")
    for name in ("Europe", "../../etc/passwd", "europe/berlin", "", "x" * 100_000, "\ud800"):
        with pytest.raises(ValueRefusedError, match="must be an IANA time zone"):
            check_time_zone(name)
    assert len(time_zone_names()) > 400


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BST", "Europe/London"),
        ("PST", "America/Los_Angeles"),
        ("pdt", "America/Los_Angeles"),
        ("CET+1", "Europe/Berlin"),
        ("MESZ", "Europe/Berlin"),
        ("AEST-10AEDT", "Australia/Sydney"),
        ("IST", "Asia/Kolkata"),
        ("Z", "UTC"),
        ("GMT+2", "Europe/Helsinki"),
        ("UTC-5", "America/New_York"),
        ("utc +1", "Europe/Berlin"),
        ("+05:30", "Asia/Kolkata"),
        ("-0330", "America/St_Johns"),
        ("UTC+14", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("EUROPE/LONDON", "Europe/London"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("cet", "CET"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Europe/Berlim", "Europe/Berlin"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("Pacific Standard Time", "Europe/Berlin"),
        ("ESTONIA", "Europe/Berlin"),
        ("Mars/Base", "Europe/Berlin"),
    ],
)
def test_a_likely_zone_is_suggested(written: str, meant: str) -> None:
    with pytest.raises(ValueRefusedError, match=rf'such as "{meant}" \(was '):
        check_time_zone(written)


def test_each_place_has_its_suggested_abbreviations() -> None:
    foreign = {"MET", "MEST", "MEZ", "MESZ", "Z", "ZULU", "HDT"}
    for place, abbreviations in PLACES.items():
        check_time_zone(place)
        used = {datetime(2026, month, 1, tzinfo=read_time_zone(place)).tzname() for month in (1, 7)}
        assert set(abbreviations) - foreign <= used, place
    for minutes, place in PLACES_BY_OFFSET.items():
        offsets = {datetime(2026, month, 1, tzinfo=read_time_zone(place)).utcoffset() for month in (1, 7)}
        assert timedelta(minutes=minutes) in offsets, place


@pytest.mark.parametrize(
    ("written", "per_second"),
    [
        ("10", 10.0),
        ("0.5", 0.5),
        ("500m", 0.5),
        (10, 10.0),
        ("1k", 1e3),
        ("1e2", 100.0),
        ("1E-3", 1e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("+5", 5.0),
        ("1u", 1e-6),
        ("1000n", 1e-6),
        ("1Ki", 1024.0),
        ("1M", 1e6),
        ("0.5Mi", 524288.0),
    ],
)
def test_a_quantity_reads_as_in_kubernetes(written: str | int, per_second: float) -> None:
    assert parse_per_second(written) == pytest.approx(per_second)


@pytest.mark.parametrize("written", ["0", 0, -1, "-1", "0m", "1G", "1E", "1Ei", 10**30, "1n", "9e99", "0e5"])
def test_a_rate_must_be_above_zero_and_reasonable(written: str | int) -> None:
    with pytest.raises(ValueRefusedError, match="above zero"):
        parse_per_second(written)


@pytest.mark.parametrize("written", ["", "ten", "1 ", "1/s", "1e999", "1" * 33, "٣", "0x10", "1mm", "."])
def test_a_non_quantity_is_refused(written: str) -> None:
    with pytest.raises(ValueRefusedError, match="must be a number above zero"):
        parse_per_second(written)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/x",
        "https://api.example.com",
        "https://u:p@h/x?y=1#z",
        "http://[::1]/",
        "HTTPS://h",
    ],
)
def test_an_absolute_http_url_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://h/",
        "file:///etc/passwd",
        "//h/x",
        "/x",
        "http://",
        "http:///x",
        "http://h:99999/",
        "http://h:0/",
        "http://h:x/",
        "http://[::1",
        "http://h/a b",
        "http://h/\r\nX: y",
        "http://hé/",
        "http://h/" + "x" * 2_048,
    ],
)
def test_any_other_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueRefusedError, match="URL") as refused:
        check_url(url)
    assert len(url) < 5 or url not in str(refused.value)


def test_headers_are_one_line_each() -> None:
    headers = {"Authorization": "Bearer x", "X-Empty": ""}
    assert check_headers(headers) == headers


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ("Accept: x", "must be a mapping"),
        ({"A": "secret\r\nB: c"}, "the value of A must be on one line, without CR or LF"),
        ({"A": "x\0"}, "the value of A must be on one line"),
        ({"A": "x" * 5_000}, "at most 4096 characters"),
        ({"A": 5}, "the value of A must be text, in quotes"),
        ({"A B": "x"}, "header names must be"),
        ({"": "x"}, "header names must be"),
        ({"A\n": "x"}, "header names must be"),
        ({1: "x"}, "header names must be"),
        ({f"A{number}": "" for number in range(65)}, "at most 64 headers"),
    ],
)
def test_header_injections_are_refused_without_values(headers: Any, says: str) -> None:
    with pytest.raises(ValueRefusedError, match=says) as refused:
        check_headers(headers)
    assert "secret" not in str(refused.value)


def test_names_and_ids_fit_keys_and_kubernetes() -> None:
    assert check_type_name("fetch-orders.v2") == "fetch-orders.v2"
    assert check_object_name("a" * 253) == "a" * 253
    assert check_function("_fetch.Orders-2") == "_fetch.Orders-2"


PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("/", "")


@pytest.mark.parametrize(
    "user_id", ["0", "auth0|5f7c", "-x", "a:b", "~", "{tag}", "50%", PRINTABLE, "*" * 128]
)
def test_a_user_id_is_printable_ascii(user_id: str) -> None:
    assert check_user_id(user_id) == user_id


@pytest.mark.parametrize(
    "user_id", ["", " ", "a b", "a/b", "x" * 129, "a\n", "\0", "\t", "\x7f", "é", "\xa0", "\ud800"]
)
def test_any_other_user_id_is_refused(user_id: str) -> None:
    with pytest.raises(ValueRefusedError, match="must be 1 to 128 printable ASCII characters"):
        check_user_id(user_id)


@pytest.mark.parametrize("job_id", ["", "-x", "a b", "a:b", "a|b", "a%", "a{b}", "x" * 129, "a\n", "é"])
def test_a_job_id_with_key_syntax_is_refused(job_id: str) -> None:
    assert check_job_id("A._@+-9" + "x" * 121) == "A._@+-9" + "x" * 121
    with pytest.raises(ValueRefusedError, match="must be 1 to 128 letters"):
        check_job_id(job_id)


@pytest.mark.parametrize("name", ["", "Fetch", "fetch_orders", "-a", "a-", "a..b", "a" * 64, "a\n", "a/b"])
def test_a_type_name_refused_by_kubernetes_is_refused(name: str) -> None:
    with pytest.raises(ValueRefusedError, match="must be 1 to 63 lower case letters"):
        check_type_name(name)


@pytest.mark.parametrize("name", ["", "os.system()", "a b", "-a", "a:b", "x" * 129])
def test_a_function_is_a_registered_name_and_no_expression(name: str) -> None:
    with pytest.raises(ValueRefusedError, match="registered under"):
        check_function(name)


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


def test_json_params_round_trip() -> None:
    params = {
        "s": "ü",
        "ключ": 1,
        "f": 0.5,
        "b": True,
        "n": None,
        "l": [1, [2]],
        "big": 2**63 - 1,
        "m": nested(5),
    }
    assert check_params(params) is params
    assert json_bytes({"a": 1}) == 7
    assert check_params(nested(MAX_DEPTH - 1))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ([], "must be a mapping"),
        ("x", "must be a mapping"),
        ({1: "x"}, "every key must be text"),
        ({"a": {None: "x"}}, "every key must be text"),
        ({"a": float("nan")}, "must be finite"),
        ({"a": [float("-inf")]}, "must be finite"),
        ({"a": 2**63}, "beyond 64 bits"),
        ({"a": -(2**200)}, "beyond 64 bits"),
        ({"a": b"x"}, "must be text, numbers"),
        ({"a": {1, 2}}, "must be text, numbers"),
        ({"a": "\ud800"}, "half a surrogate"),
        ({"\udfff": 1}, "half a surrogate"),
        (nested(MAX_DEPTH), "nested at most 32 levels deep"),
        (nested(5_000), "at most 32 levels"),
        ({"a": "x" * 1_017}, r"at most 1024 bytes of JSON \(was 1025\)"),
    ],
)
def test_non_json_params_are_refused_without_values(params: Any, says: str) -> None:
    with pytest.raises(ValueRefusedError, match=says):
        check_params(params)


def test_a_refusal_shows_its_field_in_manifest_spelling() -> None:
    assert Refusal(("spec", "tasks", 3, "params"), "").field == "spec.tasks[3].params"
    assert Refusal((), "").field == "manifest"
    assert Refusal(("items", 0), "").field == "items[0]"
    error = ManifestRefusedError((Refusal(("spec",), "write it"), Refusal((), "write that")))
    assert str(error) == "spec: write it; manifest: write that"


def test_a_shown_value_is_bounded_and_on_one_line() -> None:
    assert excerpt("fetch") == "fetch"
    assert excerpt("x" * 500) == "x" * 60 + "..."
    assert excerpt("\x1b[2J\n\ud800") == "\\x1b[2J\\n\\ud800"


def test_a_refused_value_is_told_by_its_form_alone() -> None:
    assert [must_be("text", value) for value in ([1], {"a": 1}, b"a", 10**5_000)] == [
        "must be text (was a list)",
        "must be text (was a mapping)",
        "must be text (was neither text nor a number)",
        "must be text (was a number of many digits)",
    ]


def test_a_fault_reads_as_a_place_and_a_sentence() -> None:
    fault = Fault("a.yaml", 2, 12, "spec.window", "must be at most the interval")
    assert str(fault) == "a.yaml:12 (document 2) spec.window: must be at most the interval"
    assert str(Fault("a.yaml", 0, 0, "file", "make it readable")) == "a.yaml: make it readable"
