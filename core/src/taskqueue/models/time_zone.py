"""The names of time zones, as the IANA database in the tzdata package has them: the same on every machine."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from taskqueue.models.refusal import ValueRefusedError, shown


@cache
def time_zone_names() -> frozenset[str]:
    """All names, such as `Europe/Berlin`."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def check_time_zone(name: str) -> None:
    """Raise ValueRefusedError unless the name is in the IANA database; the nearest one is offered."""
    if name in time_zone_names():
        return
    near = get_close_matches(shown(name), time_zone_names(), n=1) or ["Europe/Berlin"]
    raise ValueRefusedError(f'write an IANA time zone, such as "{near[0]}", instead of "{shown(name)}"')
