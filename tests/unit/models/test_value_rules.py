"""Refusals of single values, in plain words."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from taskqueue.models.value_rules import sentence_of

SHARE = Annotated[float, Field(ge=1e-06, le=1_000_000)]


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (SHARE, 0, "must be at least 0.000001"),
        (SHARE, 1e7, "must be at most 1000000"),
        (SHARE, "many", "must be a number"),
        (Annotated[int, Field(gt=2)], 2, "must be above 2"),
        (Annotated[str, Field(max_length=3)], "long", "must have at most 3 characters"),
        (Literal["json", "console"], "xml", "must be json or console"),
        (bytes, 1, "must be of the form that its documentation shows"),
    ],
)
def test_a_refusal_names_the_bound_as_people_write_it(kind: Any, value: object, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    assert [sentence_of(one) for one in refused.value.errors()] == [says]
