"""The registry of handlers: the names that a manifest may use. A manifest names no importable function.

Modules are loaded because the worker's settings name them, or because an installed package has an entry point. The
operator of the worker decides both, and the author of a manifest neither.
"""

import asyncio
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, TypeVar
from zlib import crc32

import structlog

from taskqueue.handlers.errors import BadHandler, DuplicateHandler, UnloadableHandlers
from taskqueue.handlers.job import Job
from taskqueue.text.printable import describe_error, printable, type_name

Function: TypeAlias = Callable[[Job], object]
"""A handler as users write it: a function of a job, async or not. Its return value is not kept."""

Runnable: TypeAlias = Callable[[Job], Coroutine[Any, Any, object]]
"""A handler as the worker calls it. Its return value is not kept; its exceptions are outcomes (see `outcomes`)."""

Closing: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""A function that closes a resource that jobs shared, when the worker ends."""

_F = TypeVar("_F", bound=Function)
_C = TypeVar("_C", bound=Closing)

ENTRY_POINT_GROUP = "taskqueue.handlers"

#: For all shutdown functions together: the grace period was for jobs.
_CLOSE_S = 1.0

log = structlog.get_logger("taskqueue.worker")


class Registry:
    """Functions by name, and the functions of `@on_shutdown`."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self.closings: list[Closing] = []

    def add(self, name: str, function: Function) -> None:
        """Register a function under a name; the same function twice is harmless.

        Raises DuplicateHandler if another function has that name, BadHandler if this one cannot be a handler.
        """
        if not isinstance(name, str):
            raise BadHandler(f"the name of a handler must be a text (was {printable(name, 100)})")
        if not callable(function):
            raise BadHandler(f"handler {name!r} must be callable (was {printable(function, 100)})")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise BadHandler(
                f"handler {name!r} must return and not yield: a call of a generator runs nothing"
            )
        known = self._functions.setdefault(name, function)
        if known is not function:
            raise DuplicateHandler(
                f"handler {name!r} is both {_place(known)} and {_place(function)}; rename one"
            )

    def get(self, name: str) -> Function | None:
        return self._functions.get(name)

    def names(self) -> tuple[str, ...]:
        """Return the registered names, sorted."""
        return tuple(sorted(self._functions))

    async def close(self) -> None:
        """Await the functions of `@on_shutdown`, the last registered first, for a second in all.

        A function that fails is logged, and the next one runs.
        """
        try:
            async with asyncio.timeout(_CLOSE_S):
                for closing in reversed(self.closings):
                    try:
                        await closing()
                    except Exception as error:  # noqa: BLE001 - user code may raise anything
                        log.warning(
                            "shutdown function failed", function=_place(closing), error=type_name(error)
                        )
        except TimeoutError:
            log.warning("shutdown functions timed out", limit_s=_CLOSE_S)


default_registry = Registry()
"""The registry of `@handler` and `@on_shutdown`, which the worker reads."""


def handler(name: str | None = None) -> Callable[[_F], _F]:
    """Register the decorated function under `name`, by default its own. The function is unchanged.

    Raises as `Registry.add` does, when the module is imported.
    """
    if callable(name):
        raise BadHandler("@handler must have parentheses; write @handler()")

    def register(function: _F) -> _F:
        default_registry.add(name or function.__name__, function)
        return function

    return register


def on_shutdown(function: _C) -> _C:
    """Have the worker await the decorated function after its last job. The function is unchanged.

    Raises BadHandler, when the module is imported, if it is not async: a session is closed on the loop it belongs to.
    """
    if not inspect.iscoroutinefunction(function):
        raise BadHandler(f"a function of @on_shutdown must be async (was {function!r}); write `async def`")
    default_registry.closings.append(function)
    return function


def load_entry_points() -> None:
    """Load the entry points of installed packages in the group `taskqueue.handlers`.

    An entry point that names a module is imported, so that its decorators run; one that names a function
    registers it under the entry point's name. Raises UnloadableHandlers if loading fails.
    """
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            loaded = entry_point.load()
        except BaseException as error:
            raise UnloadableHandlers(
                f"entry point {entry_point.name} = {entry_point.value}: {describe_error(error)}"
            ) from error
        if not isinstance(loaded, ModuleType):
            default_registry.add(entry_point.name, loaded)


def load_modules(paths: Iterable[str]) -> None:
    """Import each dotted module name or path to a .py file, so that its decorators run.

    Raises UnloadableHandlers, naming the entry, if one does not load.
    """
    for path in paths:
        try:
            if path.endswith(".py"):
                _load_file(Path(path).resolve(strict=True))
            else:
                import_module(path)
        except BaseException as error:  # a module may call sys.exit, too
            raise UnloadableHandlers(f"{path}: {describe_error(error)}") from error


def _load_file(path: Path) -> None:
    """Run a file once, under a module name that no import has and that pickle finds again."""
    name = f"taskqueue_handlers_{path.stem.replace('.', '_')}_{crc32(bytes(path)):08x}"
    if name in sys.modules:
        return
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _place(function: Callable[..., object]) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
