"""The API server's expressions for cron lines match every line that the models accept, and little else."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import example, given
from hypothesis import strategies as st

from taskqueue.models.cron import check_cron, parse_cron
from taskqueue.models.cron_field import FIELDS, WEEKDAY, CronField
from taskqueue.models.cron_pattern import BACKWARDS, FIVE_FIELDS, LINE
from taskqueue.models.cron_refusal import NEVER
from taskqueue.models.refusal import ValueRefusedError

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
#: cronsim takes the weekday to end with 7, and a range of one to go on to the end.
_READ_OTHERWISE = re.compile(r"(^|[ ,])(\w+)(-\2)?/", re.IGNORECASE)
_FROM = datetime(2000, 1, 1, tzinfo=UTC)


@given(_lines)
@example("0 0 L/2 * *")
@example(" 0 0 LW,1-5/02 * SUN-SAT/3 ")
@example("0 0 * * 5L,MON#002")
def test_every_line_the_models_accept_matches(line: str) -> None:
    try:
        check_cron(line)
    except ValueRefusedError:
        return
    assert re.search(FIVE_FIELDS, line)
    assert re.search(LINE, line)


@given(st.from_regex(re.compile(LINE, re.ASCII), fullmatch=True, alphabet=st.characters(max_codepoint=127)))
def test_a_refused_match_runs_backwards_or_never(line: str) -> None:
    try:
        check_cron(line)
    except ValueRefusedError as error:
        told = str(error)
        assert len(line) > 128 or "-" in line or "never happens" in told or told == NEVER


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_backwards_range_matches_as_backwards(field: CronField) -> None:
    last = 7 if field is WEEKDAY else field.last
    numbers = {text: n for n in range(field.first, last + 1) for text in (str(n), f"00{n}")}
    words = {text: field.number(word) for word in field.words for text in (word, word.lower())}
    for start, first in {**numbers, **words}.items():
        for end, final in {**numbers, **words}.items():
            for written in (f"{start}-{end}", f"2,{start}-{end}/3,4"):
                found = re.search(BACKWARDS[field.name], written, re.ASCII)
                assert (found is not None) == (first > final), written


@given(_lines)
@example("0 0 LW * */7")
@example("0 0 */31 2 MON#5")
@example("*/7 5-20/3 30,31 2-11/3 1#5,5L")
def test_lines_are_read_as_by_cronsim(line: str) -> None:
    if _READ_OTHERWISE.search(line):
        return
    try:
        theirs = CronSim(line, _FROM)
        next(theirs)
    except (CronSimError, StopIteration):
        with pytest.raises(ValueRefusedError):
            check_cron(line)
        return
    ours = parse_cron(line)
    assert set(ours.minutes) == theirs.minutes
    assert set(ours.hours) == theirs.hours
    for days in range(0, 10_000, 13):
        day = date(2000, 1, 1) + timedelta(days)
        assert ours.names(day) == (day.month in theirs.months and theirs.match_day(day))
