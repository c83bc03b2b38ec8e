"""The rules for a cron line: what `models.cron_refusal` checks, in its order and in its words.

A field is found by an expression and not by splitting the line: of the items of a list CEL knows no length, and takes
the cost of anything done with one to be beyond all budgets.
"""

from collections.abc import Callable

from taskqueue.models import cron_refusal
from taskqueue.models.cron_field import DAY, FIELDS, MONTH, WEEKDAY, CronField
from taskqueue.models.cron_pattern import (
    BACKWARDS,
    BLANK,
    FIELD,
    FIVE_FIELDS,
    LINE,
    NO_SUCH_DAY,
    ON_ONE_LINE,
    ONE_RANGE,
    PATTERNS,
    RANGE,
)
from taskqueue.models.refusal import SHOWN_CHARACTERS
from taskqueue_operator.crd.rule import Rule


def _matches(text: str, pattern: str) -> str:
    return f"{text}.matches(r'{pattern}')"


def _found(text: str, pattern: str) -> str:
    return f"{text}.find(r'{pattern}')"


def _field(field: CronField) -> str:
    before = f"({BLANK}+{FIELD}){{{FIELDS.index(field)}}}"
    return _found(_found("self", f"^{BLANK}*{FIELD}{before}"), f"{FIELD}$")


_FIVE = _matches("self", FIVE_FIELDS)
_PLAIN = f"({_FIVE} && !self.contains('?') && !{_matches('self', cron_refusal.BY_CHANCE)})"
_READABLE = _matches("self", LINE)
_ON_ONE_LINE = _matches("self", ON_ONE_LINE)


def cron() -> list[Rule]:
    """Give the rules of `schedule.cron`."""
    stars = f"'{cron_refusal.STARS}'"
    return [
        Rule(_FIVE, cron_refusal.FIVE, saying=_not_five()),
        Rule(
            f"!{_FIVE} || !self.contains('?')",
            cron_refusal.STARS,
            saying=f"{_ON_ONE_LINE} ? {stars} + ': \"' + self.trim().replace('?', '*') + '\"' : {stars}",
        ),
        Rule(f"!{_FIVE} || self.contains('?') || {_PLAIN}", cron_refusal.CHANCE),
        *(_readable(field) for field in FIELDS),
        *(_forwards(field) for field in FIELDS),
        _exists(),
    ]


def _not_five() -> str:
    """Build the sentence for a word, an interval, or a line of another number of fields."""
    line = "self.trim()"
    seconds = f"{_found(_found(line, '/[0-9]+'), '[0-9]+')} + 's'"
    zone = f"{_found(line, f'={FIELD} ')}.trim().replace('=', '')"
    times = f"{_found(line, ' .*$')}.trim()"
    six = (
        f"{_matches(line, cron_refusal.YEAR_LAST)} ? {_found(line, cron_refusal.FIRST_FIVE)} : "
        f"{_found(line, cron_refusal.LAST_FIVE)}"
    )
    seven = _found(_found(line, cron_refusal.LAST_SIX), cron_refusal.FIRST_FIVE)
    five = (
        f"({_matches(line, cron_refusal.SIX_FIELDS)} ? ({six}) : "
        f"{_matches(line, cron_refusal.SEVEN_FIELDS)} ? {seven} : '').replace('?', '*')"
    )
    cases = [
        (f"!{_ON_ONE_LINE}", f"'{cron_refusal.FIVE}'"),
        *(
            (f"{line} == '{word}'", f"'{cron_refusal.instead_of_word(meaning, word)}'")
            for word, meaning in cron_refusal.MACROS.items()
        ),
        (
            _matches(line, cron_refusal.EVERY),
            _said(cron_refusal.interval, f"{line}.replace('@every ', '')", line),
        ),
        (f"{line}.startsWith('@every')", f"'{cron_refusal.EVERY_OTHER}'"),
        (f"{line} == '@reboot'", f"'{cron_refusal.REBOOT}'"),
        (_matches(line, cron_refusal.EVERY_SECONDS), _said(cron_refusal.interval, seconds, line)),
        (_matches(line, cron_refusal.ZONE_FIRST), _said(cron_refusal.zone_apart, zone, times)),
        (_matches(five, LINE), _said(cron_refusal.without_more, five)),
    ]
    return " : ".join(f"{when} ? {says}" for when, says in cases) + f" : '{cron_refusal.FIVE}'"


def _readable(field: CronField) -> Rule:
    one = _field(field)
    shown = f"({one}.size() > {SHOWN_CHARACTERS} ? {one}.substring(0, {SHOWN_CHARACTERS}) + '...' : {one})"
    return Rule(
        f"!{_PLAIN} || {_matches(one, PATTERNS[field.name])}",
        cron_refusal.forms(field),
        saying=_said(lambda shown: cron_refusal.unreadable(field, shown), shown),
    )


def _forwards(field: CronField) -> Rule:
    """Refuse a range that passes the end of its field."""
    one = _field(field)
    whole = _found(one, RANGE)
    start, end = _found(whole, "^[^-]+"), _found(whole, "[^-]+$")
    first, last = _number(field, start), _number(field, end)
    (low_word, low), (high_word, high) = (
        (field.words[place] if field.words else number, number) for place, number in cron_refusal.ends(field)
    )
    lower = _word_or_number(field, start, low_word, low)
    higher = _word_or_number(field, start, high_word, high)
    before = f"({first} >= {field.last} ? {start} : {start} + '-' + {higher})"
    behind = f"({last} == {field.first} ? {end} : {lower} + '-' + {end})"
    better = f"({first} == {last} + 1 ? '{low}-{high}' : {before} + ',' + {behind})"
    return Rule(
        f"!{_READABLE} || !{_matches(one, BACKWARDS[field.name])}",
        cron_refusal.upwards(field),
        saying=f"{_matches(one, ONE_RANGE)} ? "
        + _said(lambda *parts: cron_refusal.instead(field, *parts), f"{one}.replace({whole}, {better})", one)
        + " : "
        + _said(lambda written: f'{cron_refusal.upwards(field)} (was "{written}")', one),
    )


def _number(field: CronField, token: str) -> str:
    if not field.words:
        return f"int({token})"
    words = f"'{''.join(field.words)}'.indexOf({token}.upperAscii()) / 3 + {field.first}"
    return f"({_matches(token, '[A-Za-z]')} ? {words} : int({token}))"


def _word_or_number(field: CronField, token: str, word: str, number: str) -> str:
    return f"({_matches(token, '[A-Za-z]')} ? '{word}' : '{number}')" if field.words else f"'{number}'"


def _exists() -> Rule:
    """Refuse a day of the month that none of the months has."""
    day, month, weekday = _field(DAY), _field(MONTH), _field(WEEKDAY)
    missing = " || ".join(
        f"{_matches(day, days)} && {_matches(month, months)}" for days, months in NO_SUCH_DAY.values()
    )
    return Rule(
        f"!{_READABLE} || !{weekday}.startsWith('*') || !({missing})",
        f"write another {DAY.name} or {MONTH.name} in cron",
        saying=_said(cron_refusal.no_such_day, day, month),
    )


def _said(sentence: Callable[..., str], *cel: str) -> str:
    """Write a sentence as CEL that puts the values of these expressions into it."""
    marks = [f"\0{number}\0" for number in range(len(cel))]
    said = f"'{sentence(*marks)}'"
    for mark, one in zip(marks, cel, strict=True):
        said = said.replace(mark, f"' + {one} + '")
    return said
