"""Filters of the console: hostile text is visible and cut, values are exact."""

import doctest

import pytest
from jinja2 import Environment

from taskqueue_api.console import filters
from taskqueue_api.console.filters import FILTERS, finalize

HOSTILE = {
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x1b[31mred": r"\x1b[31mred",
    "a\u202eb": r"a\u202eb",
    "'\"><img src=x>": "&#39;&#34;&gt;&lt;img src=x&gt;",
    "two\nlines": r"two\nlines",
}


def test_examples_hold() -> None:
    failed, attempted = doctest.testmod(filters)
    assert (failed, attempted > 5) == (0, True)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_printed_harmlessly(text: str) -> None:
    environment = Environment(autoescape=True, finalize=finalize)
    environment.filters.update(FILTERS)
    assert environment.from_string("{{ it }}").render(it=text) == HOSTILE[text]
    assert environment.from_string("{{ it | cut }}").render(it=text) == HOSTILE[text]


def test_long_text_is_cut() -> None:
    assert len(str(finalize("x" * 65_536))) == filters.MAX_CHARACTERS


def test_instants_name_their_distance() -> None:
    assert str(filters.instant(60_000, 75_000)) == (
        '<time datetime="1970-01-01T00:01:00.000Z" title="1970-01-01T00:01:00.000Z">00:01:00</time>'
        ' <span class="relative">15 s ago</span>'
    )
