"""The five fields of a cron line as one regular expression, for RE2, of what `models.cron` lets through.

It must let through all that the models do. What it cannot see, they still refuse: a range that runs backwards, a
date that never comes.
"""

_BLANK = r"\s"
_STEP = "/0*[1-9][0-9]*"
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_WEEKDAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"

FIVE_FIELDS = rf"^{_BLANK}*[!-~]+({_BLANK}+[!-~]+){{4}}{_BLANK}*$"


def _field(number: str, whole: str = "", last: str = "") -> str:
    """Give the list that one field is.

    whole: what may stand for a number.   last: what stands alone, without a step.
    """
    stepped = "|".join(filter(None, [r"\*", f"{number}(-{number})?", whole]))
    term = "|".join(filter(None, [f"({stepped})({_STEP})?", last]))
    term = f"({term})"
    return f"{term}(,{term})*"


_MINUTE = "0*[1-5]?[0-9]"
_HOUR = "0*(1?[0-9]|2[0-3])"
_DAY = "0*([1-9]|[12][0-9]|3[01])"
_MONTH = f"(0*([1-9]|1[0-2])|{_MONTHS})"
_WEEKDAY = f"(0*[0-7]|{_WEEKDAYS})"

CRON_PATTERN = (
    rf"(?i)^{_BLANK}*"
    + rf"{_BLANK}+".join(
        [
            _field(_MINUTE),
            _field(_HOUR),
            _field(_DAY, whole="LW?"),
            _field(_MONTH),
            _field(_WEEKDAY, last=f"0*[0-7]L|{_WEEKDAY}#0*[1-5]"),
        ]
    )
    + rf"{_BLANK}*$"
)
