"""The client for code that is not async has the verbs of the other one."""

import inspect
from typing import get_type_hints

import pytest

from taskqueue import Client, SyncClient

VERBS = sorted(name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_"))
#: Verbs that take an iterable: from a thread, no async one.
OF_ITERABLES = {"put_users": "users", "enqueue_many": "jobs"}


def test_both_clients_have_the_same_verbs() -> None:
    of_threads = [name for name, _ in inspect.getmembers(SyncClient, inspect.isfunction)]
    assert [name for name in of_threads if not name.startswith("_")] == VERBS
    assert inspect.signature(SyncClient.open) == inspect.signature(Client.open)


@pytest.mark.parametrize("name", [name for name in VERBS if name != "close"])
def test_a_verb_has_the_same_arguments_answer_and_summary(name: str) -> None:
    asynchronous, of_threads = getattr(Client, name), getattr(SyncClient, name)
    parameters = inspect.signature(asynchronous).parameters
    assert {one: (each.kind, each.default) for one, each in parameters.items()} == {
        one: (each.kind, each.default) for one, each in inspect.signature(of_threads).parameters.items()
    }
    hints = get_type_hints(asynchronous)
    if iterable := OF_ITERABLES.get(name):
        hints[iterable] = hints[iterable].__args__[0]
    assert get_type_hints(of_threads) == hints
    assert asynchronous.__doc__.startswith(of_threads.__doc__.partition("\n")[0])
