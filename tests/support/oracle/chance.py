"""Cron lines, zones and exclusions made up at random, most of them near changes of a clock.

Lines have all that docs/scheduling.md allows.
"""

from collections.abc import Sequence
from importlib.resources import files
from random import Random

from tests.support.oracle.excluded import Rule
from tests.support.oracle.line import MONTHS, WEEKDAYS

#: Zones of which the clock did, or does, odd things, each with a year of them.
ODD_ZONES = {
    "Africa/Cairo": 2014,
    "Africa/Casablanca": 2013,
    "Africa/El_Aaiun": 2026,
    "Africa/Juba": 2021,
    "Africa/Khartoum": 2017,
    "Africa/Sao_Tome": 2018,
    "Africa/Tripoli": 2012,
    "Africa/Windhoek": 2017,
    "America/Asuncion": 2024,
    "America/Caracas": 2016,
    "America/Godthab": 2023,
    "America/Grand_Turk": 2015,
    "America/Havana": 2025,
    "America/Metlakatla": 2015,
    "America/Nuuk": 2023,
    "America/Port-au-Prince": 2016,
    "America/Punta_Arenas": 2016,
    "America/Santiago": 2022,
    "America/Sao_Paulo": 2018,
    "America/St_Johns": 2011,
    "Antarctica/Casey": 2018,
    "Antarctica/Macquarie": 2011,
    "Antarctica/Troll": 2025,
    "Antarctica/Vostok": 2023,
    "Asia/Amman": 2022,
    "Asia/Beirut": 2025,
    "Asia/Chita": 2014,
    "Asia/Famagusta": 2016,
    "Asia/Gaza": 2025,
    "Asia/Hovd": 2016,
    "Asia/Jerusalem": 2013,
    "Asia/Kathmandu": 2025,
    "Asia/Pyongyang": 2015,
    "Asia/Tehran": 2021,
    "Atlantic/Azores": 2025,
    "Australia/Eucla": 2020,
    "Australia/Lord_Howe": 2025,
    "Europe/Dublin": 2025,
    "Europe/Istanbul": 2016,
    "Europe/Minsk": 2011,
    "Europe/Simferopol": 2014,
    "Europe/Volgograd": 2018,
    "Pacific/Apia": 2011,
    "Pacific/Bougainville": 2014,
    "Pacific/Chatham": 2025,
    "Pacific/Easter": 2022,
    "Pacific/Fakaofo": 2011,
    "Pacific/Fiji": 2014,
    "Pacific/Norfolk": 2015,
    "Pacific/Tongatapu": 2016,
}
#: Hours in which clocks are changed, or nearly.
_NIGHT = (0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 22, 23, 23)


def zone(chance: Random) -> str:
    """Return the name of any zone of the database."""
    return chance.choice(files("tzdata").joinpath("zones").read_text().split())


def cron_line(chance: Random) -> str:
    """Return five fields; few of these lines never run."""
    minute = _either(chance, 4, "*") or _field(chance, 0, 59)
    hour = _either(chance, 20, "*", "*", "*/1", "0-23", "0/1") or _field(chance, 0, 23, usual=_NIGHT)
    day = _either(chance, 60, "*", "*", "*", "*", "*/2", "L", "LW") or _field(chance, 1, 31)
    if chance.random() < 0.1:
        day += chance.choice((",L", ",LW", ",l"))
    month = _either(chance, 75, "*") or _field(chance, 1, 12, words=MONTHS)
    weekday = _either(chance, 55, "*", "*", "*", "*", "*/3", "0-7") or _field(chance, 0, 7, words=WEEKDAYS)
    if chance.random() < 0.1:
        odd = f"{chance.randint(0, 7)}L", f"{chance.choice(WEEKDAYS)}#{chance.randint(1, 5)}"
        weekday = chance.choice((odd[0], odd[1], ",".join(odd), f"{weekday},{odd[1]}"))
    line = f"{minute} {hour} {day} {month} {weekday}"
    return line.lower() if chance.random() < 0.2 else line


def rules(chance: Random, first: int, last: int) -> tuple[Rule, ...]:
    """Return rules of exclusion; dates lie between two days since 1970-01-01."""
    return tuple(_rule(chance, first, last) for _ in range(chance.choice((1, 1, 2, 3))))


def _rule(chance: Random, first: int, last: int) -> Rule:
    kind = chance.random()
    if kind < 0.3:
        return Rule(weekdays=frozenset(chance.choice(((0, 6), (5, 6), (0,), (1, 3), range(1, 6)))))
    if kind < 0.5:
        begins = [chance.randint(first, last) for _ in range(chance.choice((1, 3, 30)))]
        return Rule(dates=tuple((begin, begin + chance.choice((0, 0, 1, 10, 200))) for begin in begins))
    begin, end = (chance.choice(_NIGHT) * 60 + chance.choice((0, 0, 30, 59)) for _ in range(2))
    end = chance.choice((end, 360, 1440))
    return Rule(daily=(begin, end if end != begin else end + 1))


def _either(chance: Random, percent: int, *texts: str) -> str:
    """Return one of the texts in so many of a hundred cases, else nothing."""
    return chance.choice(texts) if chance.random() < percent / 100 else ""


def _field(
    chance: Random, first: int, last: int, words: Sequence[str] = (), usual: Sequence[int] = ()
) -> str:
    numbers = chance.choice((1, 1, 1, 1, 2, 2, 3))
    return ",".join(_term(chance, first, last, words, usual) for _ in range(numbers))


def _term(chance: Random, first: int, last: int, words: Sequence[str], usual: Sequence[int]) -> str:
    low = chance.choice(usual) if usual and chance.random() < 0.7 else chance.randint(first, last)
    high = chance.randint(low, min(last, low + chance.choice((2, 5, 60))))
    step = chance.choice((1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 90))
    kind = chance.random()
    if kind < 0.65:
        return _value(chance, low, first, words)
    if kind < 0.93:
        text = f"{_value(chance, low, first, words)}-{_value(chance, high, first, words)}"
        return text if kind < 0.78 else f"{text}/{step}"
    return f"*/{step}" if kind < 0.97 else f"{_value(chance, low, first, words)}/{step}"


def _value(chance: Random, number: int, first: int, words: Sequence[str]) -> str:
    place = number - first
    return words[place] if place < len(words) and chance.random() < 0.4 else f"{number}"
