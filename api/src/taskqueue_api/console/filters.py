"""Filters of the templates: every value as a person reads it, with the exact one beside it."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from taskqueue.models.rate import describe_rate
from taskqueue.text.printable import printable_line
from taskqueue.views.duration_text import duration_text
from taskqueue.views.instant import at, written
from taskqueue_api.segments import segment

#: Characters of one value on a page.
MAX_CHARACTERS = 2_000
#: In place of a value that there is none of.
NO_VALUE = "\N{EN DASH}"


def finalize(value: object) -> object:
    """Return a value as a template prints it: plain text with visible escapes, on one line; nothing for None."""
    if value is None:
        return ""
    return printable_line(value, MAX_CHARACTERS) if type(value) is str else value


def cut(value: object, most: int = 80) -> str:
    r"""Return a text of at most `most` characters.

    >>> cut("abc\x1b", 3), cut("abcdef", 4)
    ('abc…', 'abcd…')
    """
    text = printable_line(value, most + 1)
    return f"{text[:most]}…" if len(text) > most else text


def sentence(value: object, most: int = 400) -> Markup:
    """Return a text whose commands, in backquotes, are code.

    >>> sentence("paused: `taskqueue resume <a>`")
    Markup('paused: <code>taskqueue resume &lt;a&gt;</code>')
    """
    parts = cut(value, most).split("`")
    if len(parts) % 2 == 0:  # one backquote has no other
        return escape("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def path(value: object) -> str:
    """Return a text as one segment of a URL's path.

    >>> path("auth0|5%")
    'auth0%7C5%25'
    """
    return segment(str(value))


def number(value: float | None, digits: int = 0) -> Markup | str:
    """Return a number with separators, and its exact value for programs; a dash for None.

    >>> number(1234.5, 1)
    Markup('<data value="1234.5">1,234.5</data>')
    """
    if value is None:
        return NO_VALUE
    return Markup('<data value="{}">{}</data>').format(value, f"{value:,.{digits}f}")


def rate(per_second: float | str | None) -> str:
    """Return a rate in words.

    >>> rate(0.5), rate(None), rate(math.inf)
    ('30/min', 'nothing starts', 'none')
    """
    if per_second is None:
        return "nothing starts"
    return "none" if per_second in {math.inf, "none"} else describe_rate(float(per_second))


def duration(seconds: float | None) -> str:
    """Return a duration in words; a dash for None."""
    return NO_VALUE if seconds is None else duration_text(seconds)


def instant(value: datetime | float | None, now_ms: float | None = None) -> Markup | str:
    """Return an instant (epoch ms): time in UTC, the date where it is another day, and the distance from now_ms."""
    if value is None:
        return NO_VALUE
    when = value if isinstance(value, datetime) else at(value)
    exact = written(when)
    seen, relative = f"{when:%Y-%m-%d %H:%M:%S}", ""
    if now_ms is not None:
        now = at(now_ms)
        seen = f"{when:%H:%M:%S}" if when.date() == now.date() else f"{when:%d %b %H:%M}"
        distance_s = (when - now).total_seconds()
        far = duration(abs(distance_s)) if abs(distance_s) >= 1 else "now"
        relative = far if far == "now" else f"in {far}" if distance_s > 0 else f"{far} ago"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>{2}').format(
        exact, seen, Markup(' <span class="relative">{}</span>').format(relative) if relative else ""
    )


def percent(share: float | None) -> str:
    """Return a share in percent.

    >>> percent(0.873), percent(0.004)
    ('87 %', '0.4 %')
    """
    if share is None:
        return NO_VALUE
    return f"{share:.1%}".replace("%", " %") if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")  # noqa: PLR2004


FILTERS: Mapping[str, Any] = {
    one.__name__: one for one in (cut, sentence, path, number, rate, duration, instant, percent)
}
