"""What is said of arguments that no command takes: never what was typed where it may be a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from taskqueue.text.redaction import redact_usage


class CommandGroup(TyperGroup):
    """The command `taskqueue`, whose refusals quote no URL and no half of one."""

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
    except Exception as error:
        message = getattr(error, "message", None)  # of a UsageError, which typer keeps to itself
        if isinstance(message, str):
            error.message = redact_usage(message)  # type: ignore[attr-defined]
        raise
