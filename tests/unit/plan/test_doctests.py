"""The examples in the plan's docstrings."""

import doctest
import importlib

import pytest

MODULES = (
    "capacity",
    "cron",
    "due",
    "feasibility",
    "rate_grid",
    "user_demand",
    "forecast",
    "lanes",
    "places",
    "limiter",
    "replay",
    "schedule",
    "spread",
    "takeover",
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_are_true(module: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(f"taskqueue.plan.{module}"))
    assert attempted > 0
    assert failed == 0
