"""The rules of schedule.exclude: the checks of `models.exclusion` and `models.exclusion_rules`, in the same words."""

from collections.abc import Mapping, Sequence

from taskqueue.models import exclusion, exclusion_rules
from taskqueue_operator.crd.rule import Rule

_PATH = "spec.schedule.exclude[]"
_GIVEN = " + ".join(
    [
        *(f"(has(self.{form}) && size(self.{form}) > 0 ? 1 : 0)" for form in ("weekdays", "dates")),
        "(has(self.daily) ? 1 : 0)",
    ]
)
_IS_RANGE = "self.contains('/')"


def _matches(pattern: str) -> str:
    return f"self.matches('{pattern}')"


EXCLUSION: Mapping[str, Sequence[Rule]] = {
    _PATH: [
        Rule(f"{_GIVEN} > 0", exclusion_rules.NONE_GIVEN),
        Rule(f"{_GIVEN} < 2", exclusion_rules.SEVERAL_GIVEN),
    ],
    f"{_PATH}.dates[]": [
        Rule(_matches(exclusion.DATES_PATTERN), f"dates must be {exclusion.DATES}"),
        Rule(
            f"!{_matches(exclusion.DATES_PATTERN)} || !{_IS_RANGE} || "
            "self.substring(0, 10) <= self.substring(11)",
            f"dates must be {exclusion.FORWARDS}",
        ),
    ],
    f"{_PATH}.daily": [Rule("self.from != self.to", f"to must be {exclusion_rules.ALWAYS}", at=".to")],
    f"{_PATH}.daily.from": [Rule(_matches(exclusion.FROM_PATTERN), f"from must be {exclusion.FROM}")],
    f"{_PATH}.daily.to": [Rule(_matches(exclusion.TO_PATTERN), f"to must be {exclusion.TO}")],
}
