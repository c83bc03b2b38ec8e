"""Rules for text of a certain form. They refuse the same text as `models`, with the same messages."""

from taskqueue.models import duration, identity, locked_params, quantity, rate
from taskqueue.models import time_zone as time_zones
from taskqueue.models.http_call import MAX_HEADER_CHARACTERS, URL_PATTERN
from taskqueue_operator.crd.rule import Rule

IS_DURATION = f"matches('{duration.PATTERN}')"
_LONGEST = duration.format_ms(duration.MAX_MS)


def positive_duration(name: str) -> list[Rule]:
    """Return the rules for a duration above zero."""
    return [
        *_any_duration(name),
        _of_duration(
            "duration(self) > duration('0s')", f'{name} must be a duration above zero, such as "30s"'
        ),
    ]


def whole_seconds(name: str) -> list[Rule]:
    """Return the rules for a duration of whole seconds, at least one."""
    return [
        *_any_duration(name),
        _of_duration(
            "duration(self) >= duration('1s') && duration(self).getMilliseconds() % 1000 == 0",
            f'{name} must be whole seconds, at least "1s"',
        ),
    ]


def _any_duration(name: str) -> list[Rule]:
    """Return the rules for the form and the maximum of a duration."""
    return [
        Rule(
            f"self.{IS_DURATION}",
            f'{name} must be a duration such as "5m" or "1h30m": up to four numbers, each with h, m, s or ms',
        ),
        _of_duration(f"duration(self) <= duration('{_LONGEST}')", f"{name} must be at most {_LONGEST}"),
    ]


def _of_duration(cel: str, message: str) -> Rule:
    """Return a rule that applies to well-formed durations only, because `duration()` fails for other text."""
    return Rule(f"!self.{IS_DURATION} || ({cel})", message)


def time_zone(name: str) -> list[Rule]:
    """Return the rules for a time zone: a name that the API server knows, as for a CronJob, and no offset.

    `getHours` fails for an unknown name, and would accept an offset.
    """
    message = f'{name} must be an IANA time zone, such as "{{}}"'
    before, behind = message.split("{}")
    meant = {
        place: "|".join(one for one in abbreviations if one not in time_zones.time_zone_names())
        for place, abbreviations in time_zones.PLACES.items()
    }
    meant = {place: abbreviations for place, abbreviations in meant.items() if abbreviations}
    chain = "".join(f"self.matches('(?i)^({those})$') ? '{place}' : " for place, those in meant.items())
    abbreviated = f"self.matches('(?i)^({'|'.join(meant.values())})$')"
    return [
        Rule(
            f"!{abbreviated}",
            f"{name} must be an IANA time zone",
            saying=f"'{before}' + ({chain}'{time_zones.USUAL}') + '{behind}'",
        ),
        Rule(
            f"{abbreviated} || self.matches('^[A-Za-z][A-Za-z0-9_+/-]*$') && "
            f"!self.matches('{time_zones.FOREIGN}') && "
            "timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",
            message.format(time_zones.USUAL),
        ),
    ]


def per_second(name: str) -> list[Rule]:
    """Return the rules for a rate, a number or a quantity."""
    text = "string(self)"
    number = f"quantity({text})"
    return [
        Rule(
            "type(self) == int ? int(self) >= 1 && int(self) <= 1000000 : "
            f"{text}.matches(r'{quantity.PATTERN}') && isQuantity({text}) && "
            f"!{number}.isLessThan(quantity('1u')) && !{number}.isGreaterThan(quantity('1M'))",
            f'{name} must be a rate above zero, from "1u" to "1M" a second, such as "10", "0.5" or "500m"',
        )
    ]


def url(field: str) -> list[Rule]:
    """Return rules for the parent field: a URL may contain a password, and the API server quotes a refused value."""
    printable = f"self.{field}.matches('^[!-~]+$')"
    return [
        Rule(
            printable,
            f"{field} must be a URL without spaces, other characters percent-encoded",
            at=f".{field}",
        ),
        Rule(
            f"!{printable} || isURL(self.{field}) && url(self.{field}).getScheme() in ['http', 'https'] && "
            f"self.{field}.matches(r'{URL_PATTERN}')",
            f'{field} must be an absolute http or https URL, such as "https://api.example.com/sync"',
            at=f".{field}",
        ),
    ]


def headers(field: str) -> list[Rule]:
    """Return rules for the parent field, for the same reason as for a URL."""
    return [
        Rule(
            f"!has(self.{field}) || self.{field}.all(name, "
            r"name.matches(r'^[A-Za-z0-9!#$%&\x27*+.^_`|~-]{1,128}$'))",
            f"the names of {field} must be letters, digits and dashes",
            at=f".{field}",
        ),
        Rule(
            f"!has(self.{field}) || self.{field}.all(name, "
            rf"self.{field}[name].matches(r'^( |[^\pC\pZ])*$'))",
            f"the values of {field} must be on one line each, without CR or LF, of at most "
            f"{MAX_HEADER_CHARACTERS} characters",
            at=f".{field}",
        ),
    ]


def function(name: str) -> list[Rule]:
    """Return the rule for the name of a handler function."""
    return [
        Rule(
            f"self.matches('{identity.FUNCTION_PATTERN}')",
            f'{name} must be the name a handler is registered under, such as "fetch_orders"',
        )
    ]


def type_name(name: str) -> list[Rule]:
    """Return the rule for the name of a task type."""
    return [
        Rule(
            f"self.matches('{identity.NAME_PATTERN}')",
            f"{name} must be 1 to {identity.MAX_TYPE_CHARACTERS} lower case letters, digits and dashes, "
            'such as "fetch-orders"',
        )
    ]


def limit_name(name: str) -> list[Rule]:
    """Return the rules for the name of a limit."""
    rule = Rule(f"self != '{identity.GLOBAL_LIMIT}'", f"{name} must be {identity.NOT_GLOBAL}")
    return [*any_limit_name(name), rule]


def any_limit_name(name: str) -> list[Rule]:
    """Return the rule for the name of a limit, or `global`."""
    return [
        Rule(
            f"self.matches('{identity.NAME_PATTERN}')",
            f"{name} must be 1 to {identity.MAX_LIMIT_CHARACTERS} lower case letters, digits and dashes, "
            'such as "shopify-app"',
        ),
    ]


def requests_per_time(name: str) -> list[Rule]:
    """Return the rule for the bounds of a rate, `{requests: 2, per: 1s}`; the duration has rules of its own.

    The message does not show the rate: CEL estimates the text of a number as beyond every budget.
    """
    per_ms = "duration(self.per).getMilliseconds()"
    return [
        Rule(
            f"!self.per.{IS_DURATION} || duration(self.per) <= duration('0s') || "
            f"self.requests * {rate.MAX_SPACING_MS} >= {per_ms} && self.requests <= {per_ms} * {rate.MAX_PER_MS}",
            f"{name} must be {rate.RATES}",
        )
    ]


def param_name(name: str) -> list[Rule]:
    """Return the rule for the name of a param."""
    return [
        Rule(
            "size(self) > 0",
            f"{name} must be names of params, 1 to {locked_params.MAX_NAME_CHARACTERS} characters each",
        )
    ]


def user_id(name: str) -> list[Rule]:
    """Return the rule for the id of a user."""
    return [
        Rule(
            f"self.matches('{identity.USER_ID_PATTERN}')",
            f"{name} must be {identity.USER_ID_RULE}",
        )
    ]
