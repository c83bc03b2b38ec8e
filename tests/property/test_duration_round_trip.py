import re

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models import duration
from taskqueue.models.refusal import ValueRefusedError


def read_or_refused(text: str) -> int | str:
    try:
        return duration.parse_ms(text)
    except ValueRefusedError as error:
        return str(error)


@given(st.integers(min_value=0, max_value=duration.MAX_MS))
def test_every_duration_round_trips(duration_ms: int) -> None:
    text = duration.format_ms(duration_ms)
    assert re.fullmatch(duration.PATTERN, text)
    assert duration.parse_ms(text) == duration_ms


@given(st.from_regex(re.compile(duration.PATTERN), fullmatch=True))
def test_a_matching_duration_is_read_unless_too_long(text: str) -> None:
    text = text.removesuffix("\n")
    read = read_or_refused(text)
    assert duration.parse_ms(duration.format_ms(read)) == read if isinstance(read, int) else "at most" in read


@given(st.text())
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    read = read_or_refused(text)
    assert 0 <= read <= duration.MAX_MS if isinstance(read, int) else read.startswith("must be ")
