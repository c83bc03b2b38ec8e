"""The pattern that the API server checks cron lines with never refuses what the models take."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from taskqueue.models.cron import check_cron
from taskqueue.models.refusal import ValueRefusedError
from taskqueue_operator.crd.cron_pattern import CRON_PATTERN, FIVE_FIELDS

_numbers = st.integers(0, 61).map(str) | st.sampled_from(["*", "00", "007", "L", "LW", "5L", "?", ""])
_words = st.sampled_from(["jan", "DEC", "Sun", "SAT", "mon#2", "0#6", "FRI#0", "7L", "8"])
_bases = _numbers | _words
_terms = st.builds(
    "{}{}{}".format,
    _bases,
    st.just("") | _bases.map("-{}".format),
    st.just("") | st.integers(0, 70).map("/{}".format),
)
_fields = st.lists(_terms, min_size=1, max_size=3).map(",".join)
_likely = st.sampled_from(["*", "0", "1", "*/5"]) | _fields
_lines = st.tuples(*[_likely] * 5).flatmap(
    lambda fields: st.sampled_from([" ", "  ", "\t"]).map(lambda blank: blank.join(fields))
)


@given(_lines)
@example("0 0 L/2 * *")
@example(" 0 0 LW,1-5/02 * SUN-SAT/3 ")
@example("0 0 * * 5L,MON#002")
def test_what_the_models_take_matches(line: str) -> None:
    try:
        check_cron(line)
    except ValueRefusedError:
        return
    assert re.search(FIVE_FIELDS, line)
    assert re.search(CRON_PATTERN, line)


@given(
    st.from_regex(
        re.compile(CRON_PATTERN, re.ASCII), fullmatch=True, alphabet=st.characters(max_codepoint=127)
    )
)
def test_what_matches_and_is_refused_has_a_range_upside_down_or_a_day_that_is_not(line: str) -> None:
    try:
        check_cron(line)
    except ValueRefusedError as error:
        told = str(error)
        assert len(line) > 128 or "-" in line or "day-of-month" in told or "never comes" in told
