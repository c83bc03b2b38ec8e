"""The parameters of a command that is made at run time."""

import inspect
from collections.abc import Iterable
from typing import Any


def declare_parameters(function: Any, parameters: Iterable[inspect.Parameter]) -> None:
    """Declare the parameters of a function that takes them as keywords; typer derives its options from them."""
    listed = list(parameters)
    function.__signature__ = inspect.Signature(listed)
    function.__annotations__ = {one.name: one.annotation for one in listed}
