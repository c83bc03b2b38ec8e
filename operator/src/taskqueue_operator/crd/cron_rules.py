"""The rules for a cron line: the checks of `models.cron_refusal`, in the same order and with the same messages.

A field is found by a regular expression and not by splitting the line: CEL does not know the length of list items, and
estimates the cost of any operation on them as beyond every budget.
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
from taskqueue.models.refusal import MAX_EXCERPT
from taskqueue_operator.crd.rule import Rule


def _matches(text: str, pattern: str) -> str:
    """Return CEL that tells whether a pattern matches."""
    return f"{text}.matches(r'{pattern}')"


def _found(text: str, pattern: str) -> str:
    """Return CEL for the first match of a pattern; empty without a match."""
    return f"{text}.find(r'{pattern}')"


def _field(field: CronField) -> str:
    """Return CEL for the text of a field of `self`."""
    before = f"({BLANK}+{FIELD}){{{FIELDS.index(field)}}}"
    return _found(_found("self", f"^{BLANK}*{FIELD}{before}"), f"{FIELD}$")


_FIVE = _matches("self", FIVE_FIELDS)
_PLAIN = f"({_FIVE} && !self.contains('?') && !{_matches('self', cron_refusal.BY_CHANCE)})"
_READABLE = _matches("self", LINE)
_ON_ONE_LINE = _matches("self", ON_ONE_LINE)


def cron() -> list[Rule]:
    """Return the rules of `schedule.cron`."""
    stars = f"'{cron_refusal.STARS}'"
    return [
        Rule(_FIVE, cron_refusal.FIVE, saying=_not_five()),
        Rule(
            f"!{_FIVE} || !self.contains('?')",
            cron_refusal.STARS,
            saying=f"{_ON_ONE_LINE} ? {stars} + '; write \"' + self.trim().replace('?', '*') + '\"' : {stars}",
        ),
        Rule(f"!{_FIVE} || self.contains('?') || {_PLAIN}", cron_refusal.CHANCE),
        *(_readable(field) for field in FIELDS),
        *(_forwards(field) for field in FIELDS),
        _exists(),
    ]


def _not_five() -> str:
    """Return the message, in CEL, for a word, an interval, or a line without five fields."""
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
            _sentence(cron_refusal.interval, f"{line}.replace('@every ', '')", line),
        ),
        (f"{line}.startsWith('@every')", f"'{cron_refusal.EVERY_OTHER}'"),
        (f"{line} == '@reboot'", f"'{cron_refusal.REBOOT}'"),
        (_matches(line, cron_refusal.EVERY_SECONDS), _sentence(cron_refusal.interval, seconds, line)),
        (_matches(line, cron_refusal.ZONE_FIRST), _sentence(cron_refusal.zone_apart, zone, times)),
        (_matches(five, LINE), _sentence(cron_refusal.without_more, five)),
    ]
    return " : ".join(f"{when} ? {says}" for when, says in cases) + f" : '{cron_refusal.FIVE}'"


def _readable(field: CronField) -> Rule:
    """Return the rule for the form of a field."""
    one = _field(field)
    excerpt = f"({one}.size() > {MAX_EXCERPT} ? {one}.substring(0, {MAX_EXCERPT}) + '...' : {one})"
    return Rule(
        f"!{_PLAIN} || {_matches(one, PATTERNS[field.name])}",
        cron_refusal.forms(field),
        saying=_sentence(lambda excerpt: cron_refusal.unreadable(field, excerpt), excerpt),
    )


def _forwards(field: CronField) -> Rule:
    """Return the rule that refuses a range beyond the end of its field."""
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
        + _sentence(
            lambda *parts: cron_refusal.instead(field, *parts), f"{one}.replace({whole}, {better})", one
        )
        + " : "
        + _sentence(lambda written: f'{cron_refusal.upwards(field)} (was "{written}")', one),
    )


def _number(field: CronField, token: str) -> str:
    """Return CEL for the number of a token, which may be a word such as `MON`."""
    if not field.words:
        return f"int({token})"
    words = f"'{''.join(field.words)}'.indexOf({token}.upperAscii()) / 3 + {field.first}"
    return f"({_matches(token, '[A-Za-z]')} ? {words} : int({token}))"


def _word_or_number(field: CronField, token: str, word: str, number: str) -> str:
    """Return CEL for a word if the token is one, or else for a number."""
    return f"({_matches(token, '[A-Za-z]')} ? '{word}' : '{number}')" if field.words else f"'{number}'"


def _exists() -> Rule:
    """Return the rule that refuses a day that none of its months has."""
    day, month, weekday = _field(DAY), _field(MONTH), _field(WEEKDAY)
    missing = " || ".join(
        f"{_matches(day, days)} && {_matches(month, months)}" for days, months in NO_SUCH_DAY.values()
    )
    return Rule(
        f"!{_READABLE} || !{weekday}.startsWith('*') || !({missing})",
        cron_refusal.DAY_OF_MONTH,
        saying=_sentence(cron_refusal.no_such_day, day, month),
    )


def _sentence(sentence: Callable[..., str], *cel: str) -> str:
    """Return a CEL expression for a sentence with the values of CEL expressions in it."""
    marks = [f"\0{number}\0" for number in range(len(cel))]
    text = f"'{sentence(*marks)}'"
    for mark, one in zip(marks, cel, strict=True):
        text = text.replace(mark, f"' + {one} + '")
    return text
