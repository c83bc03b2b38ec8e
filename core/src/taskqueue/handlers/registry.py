"""The names a manifest may use. A manifest can never name an importable function, only these.

Modules are loaded because the worker's own settings name them, or because an installed package has an entry
point: both are decided by whoever runs the worker, not by whoever writes a manifest.
"""

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

from taskqueue.handlers.errors import BadHandler, DuplicateHandler, UnloadableHandlers
from taskqueue.handlers.job import Job
from taskqueue.text.printable import describe_error, printable

Function: TypeAlias = Callable[[Job], object]
"""What users write: a function of a job, async or not. What it returns is not kept."""

Runnable: TypeAlias = Callable[[Job], Coroutine[Any, Any, object]]
"""What the worker calls. The result means nothing; exceptions are outcomes (see `outcomes`)."""

Closing: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What gives back, when the worker ends, something that jobs shared."""

_F = TypeVar("_F", bound=Function)
_C = TypeVar("_C", bound=Closing)

ENTRY_POINT_GROUP = "taskqueue.handlers"


class Registry:
    """Functions by name, and what is to be closed after the last of them."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self.closings: list[Closing] = []

    def add(self, name: str, function: Function) -> None:
        """Register; the same function twice is harmless.

        Raises DuplicateHandler if another function has that name, BadHandler if this one could never do work.
        """
        if not isinstance(name, str):
            raise BadHandler(f"the name of a handler must be a text (was {printable(name, 100)})")
        if not callable(function):
            raise BadHandler(f"handler {name!r} is not callable: {function!r}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise BadHandler(f"handler {name!r} yields, so calling it would run nothing; let it return")
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


default_registry = Registry()
"""Where `@handler` registers, and what the worker reads."""


def handler(name: str | None = None) -> Callable[[_F], _F]:
    """Register the decorated function under `name`, by default its own; the function itself is unchanged.

    Raises as `Registry.add` does, when the module is imported.
    """
    if callable(name):
        raise BadHandler("write @handler() with parentheses")

    def register(function: _F) -> _F:
        default_registry.add(name or function.__name__, function)
        return function

    return register


def on_shutdown(function: _C) -> _C:
    """Have the worker await the decorated function when its last job has ended; the function itself is unchanged.

    Raises BadHandler, when the module is imported, if it is not async: sessions are closed on the loop they live on.
    """
    if not inspect.iscoroutinefunction(function):
        raise BadHandler(f"what @on_shutdown decorates is awaited: write `async def`, not {function!r}")
    default_registry.closings.append(function)
    return function


def load_entry_points() -> None:
    """Load what installed packages offer in the group `taskqueue.handlers`.

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
    """Run a file once, under a module name that no import can collide with and that pickle can find again."""
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


def _place(function: Function) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
