"""Refusals of arguments, which quote no part of a URL: it may hold a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from taskqueue.text.redaction import redact_usage


class Command(TyperCommand):
    """A command whose refusals quote no URL."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        with _redacted():
            return super().make_context(info_name, args, *more, **extra)


class Group(TyperGroup):
    """A group of commands; neither its refusals nor the refusals of its commands quote a URL."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        with _redacted():
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _redacted():
            return super().invoke(ctx)


@contextmanager
def _redacted() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        error.message = redact_usage(error.message)
        raise
