"""Refusals of a cron line, each one sentence with the remedy. The API server has the same sentences, in CEL.

The order of the checks is the order of `refusal_of`; each check relies on the checks before it.
"""

import re

from taskqueue.models.cron_field import DAY, FIELDS, MONTH, CronField
from taskqueue.models.cron_pattern import (
    BACKWARDS,
    FIELD,
    FIVE_FIELDS,
    LINE,
    MAX_CHARACTERS,
    NO_SUCH_DAY,
    ON_ONE_LINE,
    ONE_RANGE,
    PATTERNS,
    RANGE,
)
from taskqueue.models.refusal import MAX_EXCERPT, excerpt

#: Words that other crons accept in place of a line.
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
#: An interval in place of a line, and steps of seconds.
EVERY = "^(@every )?[1-9][0-9]{0,4}(h|m|s)([0-9]{1,5}(h|m|s)){0,3}$"
EVERY_SECONDS = "^([*]|0)/[1-9][0-9]{0,3}( [*?]){5,6}$"
#: A time zone before the five fields, as Kubernetes' CronJob takes it.
ZONE_FIRST = f"^(CRON_)?TZ={FIELD} "
#: Six fields with a year at the end, known by the year or by AWS' question marks; otherwise the first is seconds.
YEAR_LAST = (
    f"^({FIELD} ){{5}}[12][0-9]{{3}}([-,/]{FIELD})?$"
    f"|^{FIELD} {FIELD} [?]( {FIELD}){{3}}$"
    f"|^({FIELD} ){{4}}[?] {FIELD}$"
)
SIX_FIELDS = f"^{FIELD}( {FIELD}){{5}}$"
SEVEN_FIELDS = f"^{FIELD}( {FIELD}){{6}}$"
FIRST_FIVE = f"^{FIELD}( {FIELD}){{4}}"
LAST_FIVE = f"{FIELD}( {FIELD}){{4}}$"
LAST_SIX = f"{FIELD}( {FIELD}){{5}}$"
#: Jenkins' H and OpenBSD's ~: a number by chance.
BY_CHANCE = r"(^|[\t\n\f\r ,])H|~"

FIVE = 'cron must be five fields (minute hour day month weekday), such as "0 2 * * *"'
EVERY_OTHER = 'cron must be five fields, without @every; for a period write interval, such as "5m"'
REBOOT = (
    'cron must be five fields (was "@reboot"); write times, such as "0 2 * * *": no job starts with a machine'
)
STARS = "cron must have * in place of ?"
CHANCE = (
    'cron must have numbers in place of H and ~, such as "0 2 * * *" or "*/15 * * * *"; '
    "the window spreads subscriptions anyway"
)
DAY_OF_MONTH = f"the {DAY.name} of cron must exist in the {MONTH.name}"
NEVER = "cron must name a date that exists"
TOO_LONG = f"cron must be at most {MAX_CHARACTERS} characters"

_FIELD = re.compile(FIELD)
_FIVE_FIELDS = re.compile(FIVE_FIELDS)
_PATTERNS = {name: re.compile(pattern, re.ASCII) for name, pattern in PATTERNS.items()}
_BACKWARDS = {name: re.compile(pattern, re.ASCII) for name, pattern in BACKWARDS.items()}


def refusal_of(text: str) -> str | None:
    """Return the refusal of a line; None if its fields can be read and its ranges run forwards."""
    if len(text) > MAX_CHARACTERS:
        return f"{TOO_LONG} (was {len(text)})"
    on_one_line = re.fullmatch(ON_ONE_LINE, text) is not None
    if not _FIVE_FIELDS.fullmatch(text):
        return _not_five(text.strip(" ")) if on_one_line else _five(text)
    if "?" in text:
        return f'{STARS}; write "{text.strip(" ").replace("?", "*")}"' if on_one_line else STARS
    if re.search(BY_CHANCE, text):
        return CHANCE
    written = _FIELD.findall(text)
    for field, one in zip(FIELDS, written, strict=True):
        if not _PATTERNS[field.name].search(one):
            return unreadable(field, one if len(one) <= MAX_EXCERPT else one[:MAX_EXCERPT] + "...")
    for field, one in zip(FIELDS, written, strict=True):
        if _BACKWARDS[field.name].search(one):
            return backwards(field, one)
    _, _, day, month, weekday = written
    return no_such_day(day, month) if weekday.startswith("*") and _is_missing(day, month) else None


def forms(field: CronField) -> str:
    """Return the accepted forms of a field."""
    return f"the {field.name} of cron must be {field.forms}, such as {field.examples}"


def unreadable(field: CronField, written: str) -> str:
    """Return the refusal of one field: the values allowed, and the value given."""
    return f'{forms(field)} (was "{written}")'


def backwards(field: CronField, written: str) -> str:
    """Return the remedy for a range that passes the end of its field: "20-23,0-4" for "20-4"."""
    if not re.search(ONE_RANGE, written):
        return f'{upwards(field)} (was "{written}")'
    found = re.findall(RANGE, written)[0]
    start, _, end = found.partition("-")
    low, high = (
        field.words[place] if start.upper() in field.words else number for place, number in ends(field)
    )
    first, last = field.number(start.upper()), field.number(end.upper())
    if first == last + 1:
        better = f"{field.first}-{field.last}"
    else:
        better = (start if first >= field.last else f"{start}-{high}") + ","
        better += end if last == field.first else f"{low}-{end}"
    return instead(field, written.replace(found, better), written)


def ends(field: CronField) -> tuple[tuple[int, str], tuple[int, str]]:
    """Return the places of the first and the last word of a field, and their numbers."""
    return (0, str(field.first)), (-1, str(field.last))


def upwards(field: CronField) -> str:
    """Return the rule that a range runs upwards."""
    return f"the {field.name} of cron must have ranges that do not end before they begin"


def instead(field: CronField, better: str, written: str) -> str:
    """Return the remedy for a field."""
    return f'the {field.name} of cron must be "{better}" (was "{written}")'


def no_such_day(day: str, month: str) -> str:
    """Return the refusal of a day that no month of the line has."""
    return f'{DAY_OF_MONTH} (was day "{day}" in month "{month}"); L is the last day of every month'


def instead_of_word(line: str, word: str) -> str:
    """Return the remedy for a word in place of a line."""
    return f'cron must be five fields (was "{word}"); write "{line}"'


def interval(length: str, line: str) -> str:
    """Return the remedy for a period given by its length."""
    return f'cron must be five fields (was "{line}"); write interval: {length}'


def zone_apart(zone: str, line: str) -> str:
    """Return the remedy for a time zone in the line."""
    return f'cron must be five fields, without a time zone; write timeZone: {zone} and cron: "{line}"'


def without_more(line: str) -> str:
    """Return the remedy for six or seven fields."""
    return f'cron must be five fields, without seconds or a year; write "{line}"'


def _five(text: str) -> str:
    return f'{FIVE} (was "{excerpt(text)}")'


def _not_five(line: str) -> str:
    if line in MACROS:
        return instead_of_word(MACROS[line], line)
    if re.search(EVERY, line):
        return interval(line.removeprefix("@every "), line)
    if line.startswith("@every"):
        return EVERY_OTHER
    if line == "@reboot":
        return REBOOT
    if re.search(EVERY_SECONDS, line):
        return interval(line.partition("/")[2].partition(" ")[0] + "s", line)
    if re.search(ZONE_FIRST, line):
        zone, _, times = line.partition("=")[2].partition(" ")
        return zone_apart(zone, times)
    five = _five_of_more(line).replace("?", "*")
    return without_more(five) if re.search(LINE, five, re.ASCII) else _five(line)


def _five_of_more(line: str) -> str:
    """Cut seconds and a year off a line of six or seven fields."""
    words = line.split(" ")
    if re.search(SIX_FIELDS, line):
        return " ".join(words[:5] if re.search(YEAR_LAST, line) else words[1:])
    return " ".join(words[1:6]) if re.search(SEVEN_FIELDS, line) else ""


def _is_missing(day: str, month: str) -> bool:
    """Tell whether none of the months has the day. A weekday other than * is enough to run."""
    return any(re.search(days, day) and re.search(months, month) for days, months in NO_SUCH_DAY.values())
