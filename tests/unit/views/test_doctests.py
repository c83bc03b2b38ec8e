"""Doctests of the views that put values into words."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["duration_text", "instant", "limit_text", "pause_text"])
def test_examples_hold(module: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(f"taskqueue.views.{module}"))
    assert (failed, attempted > 0) == (0, True)
