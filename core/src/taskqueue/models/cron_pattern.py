"""Each field of a cron line as a regular expression that Python (with re.ASCII) and RE2 read alike.

The API server checks lines with the same ones. They find few of the dates that never happen.
"""

from taskqueue.models.cron_field import DAY, HOUR, MINUTE, MONTH, WEEKDAY, CronField

MAX_CHARACTERS = 128

#: Blanks between fields, and the characters of a field.
BLANK = r"[\t\n\f\r ]"
FIELD = "[!-~]+"
FIVE_FIELDS = f"^{BLANK}*{FIELD}({BLANK}+{FIELD}){{4}}{BLANK}*$"
#: Any number of fields with one blank between them: a text that fits on a line.
ON_ONE_LINE = f"^ *{FIELD}( {FIELD})* *$"

_STEP = "(/0*[1-9][0-9]*)"
_MONTH = f"(0*([1-9]|1[0-2])|{'|'.join(MONTH.words)})"
_WEEKDAY = f"(0*[0-7]|{'|'.join(WEEKDAY.words)})"


def _list(number: str, whole: str = "", last: str = "") -> str:
    """Write the list that one field is.

    whole: the expression of a number.   last: the expression of a term that stands alone, without a step.
    """
    stepped = "|".join(filter(None, [r"\*", f"{number}(-{number})?", whole]))
    term = "|".join(filter(None, [f"({stepped}){_STEP}?", last]))
    return f"(?i)^({term})(,({term}))*$"


PATTERNS = {
    MINUTE.name: _list("0*[1-5]?[0-9]"),
    HOUR.name: _list("0*(1?[0-9]|2[0-3])"),
    DAY.name: _list("0*([1-9]|[12][0-9]|3[01])", whole="LW?"),
    MONTH.name: _list(_MONTH),
    WEEKDAY.name: _list(_WEEKDAY, last=f"0*[0-7]L|{_WEEKDAY}#0*[1-5]"),
}


def _joined(between: str) -> str:
    fields = between.join(pattern.removeprefix("(?i)^").removesuffix("$") for pattern in PATTERNS.values())
    return f"(?i)^{BLANK}*{fields}{BLANK}*$"


#: All five fields.
LINE = _joined(f"{BLANK}+")


def _backwards(field: CronField) -> str:
    """Write an expression that finds, in a field that can be read, a range that ends before it begins."""
    pairs = _words_backwards(field) if field.words else _NUMBERS_BACKWARDS
    return f"(?i)(^|,)({pairs})([,/]|$)"


def _words_backwards(field: CronField) -> str:
    last = 7 if field is WEEKDAY else field.last

    def one(numbers: range) -> str:
        words = [field.words[number - field.first] for number in numbers if number <= field.last]
        return f"(0*({'|'.join(map(str, numbers))})|{'|'.join(words)})" if words else f"0*({numbers[0]})"

    return "|".join(
        f"{one(range(start, start + 1))}-{one(range(field.first, start))}"
        for start in range(field.first + 1, last + 1)
    )


def _numbers_backwards() -> str:
    """Write it for 0 to 59: by the tens, and by the ones where the tens are equal."""
    tens = "|".join(
        f"0*{ten}[0-9]-0*[1-{ten - 1}]?[0-9]" if ten > 1 else "0*1[0-9]-0*[0-9]" for ten in range(1, 6)
    )
    ones = "|".join(f"{one}-0*T[0-{one - 1}]" for one in range(1, 10))
    return "|".join([tens, *(f"0*{ten}({ones.replace('T', str(ten))})" for ten in ["", *range(1, 6)])])


_NUMBERS_BACKWARDS = _numbers_backwards()
BACKWARDS = {field.name: _backwards(field) for field in (MINUTE, HOUR, DAY, MONTH, WEEKDAY)}
#: A range, without a step, that is the only one of its field.
ONE_RANGE = "^([^-]*,)?[0-9A-Za-z]+-[0-9A-Za-z]+(,[^-]*)?$"
RANGE = "[0-9A-Za-z]+-[0-9A-Za-z]+"

#: Days that some months do not have, and the months that do not have them.
NO_SUCH_DAY = {
    31: (
        f"^0*31(-0*31)?{_STEP}?(,0*31(-0*31)?{_STEP}?)*$",
        "(?i)^(0*([2469]|11)|FEB|APR|JUN|SEP|NOV)(,(0*([2469]|11)|FEB|APR|JUN|SEP|NOV))*$",
    ),
    30: (
        f"^0*3[01](-0*3[01])?{_STEP}?(,0*3[01](-0*3[01])?{_STEP}?)*$",
        "(?i)^(0*2|FEB)(,(0*2|FEB))*$",
    ),
}
