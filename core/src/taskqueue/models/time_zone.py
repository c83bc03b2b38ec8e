"""The names of time zones, as the IANA database in the tzdata package has them: the same on every machine.

People also write an abbreviation, an offset, a city, or the right name in small letters. Similar abbreviations may lie
half a world apart, so a refusal offers a place and not the nearest text.
"""

import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from taskqueue.models.refusal import ValueRefusedError, excerpt, must_be

USUAL = "Europe/Berlin"

#: Abbreviations of a place; one that several places share stands for the place with most people.
PLACES = {
    "Africa/Johannesburg": ("SAST",),
    "Africa/Lagos": ("WAT",),
    "Africa/Maputo": ("CAT",),
    "Africa/Nairobi": ("EAT",),
    "America/Anchorage": ("AKST", "AKDT"),
    "America/Chicago": ("CST", "CDT"),
    "America/Denver": ("MST", "MDT"),
    "America/Halifax": ("AST", "ADT"),
    "America/Los_Angeles": ("PST", "PDT"),
    "America/New_York": ("EST", "EDT"),
    "America/St_Johns": ("NST", "NDT"),
    "Asia/Hong_Kong": ("HKT",),
    "Asia/Jakarta": ("WIB",),
    "Asia/Jerusalem": ("IDT",),
    "Asia/Karachi": ("PKT",),
    "Asia/Kolkata": ("IST",),
    "Asia/Seoul": ("KST",),
    "Asia/Tokyo": ("JST",),
    "Australia/Adelaide": ("ACST", "ACDT"),
    "Australia/Perth": ("AWST",),
    "Australia/Sydney": ("AEST", "AEDT"),
    "Europe/Berlin": ("CET", "CEST", "MET", "MEST", "MEZ", "MESZ"),
    "Europe/Helsinki": ("EET", "EEST"),
    "Europe/Lisbon": ("WET", "WEST"),
    "Europe/London": ("BST",),
    "Europe/Moscow": ("MSK",),
    "Pacific/Auckland": ("NZST", "NZDT"),
    "Pacific/Honolulu": ("HST", "HDT"),
    "UTC": ("Z",),
}
#: A place for an offset from UTC in minutes; in winter, where it has one.
PLACES_BY_OFFSET = {
    -600: "Pacific/Honolulu",
    -540: "America/Anchorage",
    -480: "America/Los_Angeles",
    -420: "America/Denver",
    -360: "America/Chicago",
    -300: "America/New_York",
    -240: "America/Halifax",
    -210: "America/St_Johns",
    -180: "America/Sao_Paulo",
    0: "UTC",
    60: "Europe/Berlin",
    120: "Europe/Helsinki",
    180: "Europe/Moscow",
    210: "Asia/Tehran",
    240: "Asia/Dubai",
    270: "Asia/Kabul",
    300: "Asia/Karachi",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    360: "Asia/Dhaka",
    390: "Asia/Yangon",
    420: "Asia/Bangkok",
    480: "Asia/Shanghai",
    540: "Asia/Tokyo",
    570: "Australia/Darwin",
    600: "Australia/Brisbane",
    720: "Pacific/Auckland",
}
#: Names of machines' own zone and of copies, which are outside the database.
FOREIGN = "^(Local|localtime|posixrules|(posix|right)/.*)$"
#: Names that are offsets with the sign turned around: never offered.
_TURNED = "Etc/"
_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])([01]?[0-9])(?::?([0-5][0-9]))?", re.ASCII)
_LETTERS = re.compile("[A-Z]+", re.ASCII)
_PLACE_OF = {abbreviation: place for place, abbreviations in PLACES.items() for abbreviation in abbreviations}


@cache
def time_zone_names() -> frozenset[str]:
    """Return all names, such as `Europe/Berlin`."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def read_time_zone(name: str) -> ZoneInfo:
    """Return the clock of a zone. Raises ValueRefusedError for a name that the database lacks.

    `ZoneInfo(name)` would prefer the database of the machine, which may be years older.
    """
    check_time_zone(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def check_time_zone(name: str) -> None:
    """Raise ValueRefusedError unless the name is in the IANA database; a place that may be meant is offered."""
    if name not in time_zone_names():
        raise ValueRefusedError(must_be(f'an IANA time zone, such as "{_meant(excerpt(name))}"', name))


def _meant(written: str) -> str:
    """Return the name that may be meant, or the usual one."""
    lower, upper = written.lower().replace(" ", "_"), written.upper()
    named = _names_in_lower_case().get(lower) or _names_of_cities().get(lower)
    if named:
        return named
    if offset := _OFFSET.fullmatch(upper):
        sign, hours, minutes = offset.groups()
        return PLACES_BY_OFFSET.get(int(f"{sign}1") * (int(hours) * 60 + int(minutes or 0)), USUAL)
    letters = _LETTERS.match(upper)
    if letters and letters[0] in _PLACE_OF:
        return _PLACE_OF[letters[0]]
    near = get_close_matches(written, _names_in_lower_case().values(), n=1) if "/" in written else []
    return near[0] if near else USUAL


@cache
def _names_in_lower_case() -> dict[str, str]:
    """Return the names of places, by their lower case."""
    names = sorted(name for name in time_zone_names() if not name.startswith(_TURNED))
    return {name.lower(): name for name in names}


@cache
def _names_of_cities() -> dict[str, str]:
    """Return the names by the text after their last slash."""
    return {lower.rpartition("/")[2]: name for lower, name in _names_in_lower_case().items() if "/" in lower}
