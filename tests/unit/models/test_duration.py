import pytest

from taskqueue.models import duration
from taskqueue.models.refusal import ValueRefusedError

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1s", 1_000),
        ("250ms", 250),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("30m1h", 5_400_000),
        ("24h", DAY_MS),
        ("0s", 0),
        ("1m1m", 120_000),
        ("00005s", 5_000),
        ("99999h59m59s999ms", duration.MAX_MS),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, expected_ms: int) -> None:
    assert duration.parse_ms(text) == expected_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "m",
        "-5m",
        "1.5h",
        "5M",
        "5min",
        "1d",
        "100000s",
        "1h1m1s1ms1h",
        "5m\n",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        "1e3s",
    ],
)
def test_durations_outside_gep_2257_are_refused(text: str) -> None:
    with pytest.raises(ValueRefusedError, match='must be a duration such as "5m"'):
        duration.parse_ms(text)


def test_a_duration_longer_than_the_longest_is_refused() -> None:
    with pytest.raises(ValueRefusedError, match="must be at most 99999h59m59s999ms"):
        duration.parse_ms("99999h99999h")


@pytest.mark.parametrize("text", ["0s", "999ms", "1s1ms", "1500ms"])
def test_an_interval_of_partial_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueRefusedError, match="must be whole seconds"):
        duration.parse_whole_s(text)


@pytest.mark.parametrize(("text", "expected_s"), [("1s", 1), ("2000ms", 2), ("1h", 3_600), ("500ms500ms", 1)])
def test_an_interval_of_whole_seconds_may_be_written_in_any_unit(text: str, expected_s: int) -> None:
    assert duration.parse_whole_s(text) == expected_s


def test_a_timeout_of_nothing_is_refused() -> None:
    assert duration.parse_positive_ms("1ms") == 1
    with pytest.raises(ValueRefusedError, match="above zero"):
        duration.parse_positive_ms("0h0m")


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [(0, "0s"), (1, "1ms"), (90_000, "1m30s"), (DAY_MS, "24h"), (3_600_001, "1h1ms")],
)
def test_a_duration_is_written_largest_unit_first(duration_ms: int, expected: str) -> None:
    assert duration.format_ms(duration_ms) == expected
