import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskqueue.handlers import Job, Registry, handler, on_shutdown
from taskqueue.handlers import registry as registry_module
from taskqueue.handlers.errors import BadHandler, DuplicateHandler, UnloadableHandlers
from taskqueue.handlers.registry import default_registry, load_entry_points, load_modules


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Give each test a default registry and a sys.modules of its own."""
    registry = Registry()
    monkeypatch.setattr(registry_module, "default_registry", registry)
    before = set(sys.modules)
    yield registry
    for name in set(sys.modules) - before:
        del sys.modules[name]


def work(job: Job) -> None: ...


def other(job: Job) -> None: ...


def test_a_decorated_function_is_registered_unchanged(
    fresh_registry: Registry,
) -> None:
    assert handler()(work) is work
    assert fresh_registry.get("work") is work


def test_a_decorated_function_can_have_another_name(fresh_registry: Registry) -> None:
    handler("fetch-orders")(work)
    assert fresh_registry.names() == ("fetch-orders",)


def test_names_are_sorted_and_an_unknown_one_is_none() -> None:
    registry = Registry()
    registry.add("b", work)
    registry.add("a", other)
    assert registry.names() == ("a", "b")
    assert registry.get("c") is None


def test_the_same_function_may_be_registered_twice() -> None:
    registry = Registry()
    registry.add("work", work)
    registry.add("work", work)
    assert registry.get("work") is work


def test_a_name_of_another_function_is_refused_and_both_are_named() -> None:
    registry = Registry()
    registry.add("work", work)
    with pytest.raises(DuplicateHandler, match=r"'work' is both .*\.work and .*\.other"):
        registry.add("work", other)
    assert registry.get("work") is work


def test_unusable_handlers_are_refused() -> None:
    def yields(job: Job) -> Iterator[int]:
        yield 1

    async def yields_too(job: Job):  # type: ignore[no-untyped-def]  # noqa: ANN202
        yield 1

    registry = Registry()
    for function in (yields, yields_too):
        with pytest.raises(BadHandler, match="must return and not yield"):
            registry.add("x", function)
    with pytest.raises(BadHandler, match="must be callable"):
        registry.add("x", "os.system")  # type: ignore[arg-type]
    with pytest.raises(BadHandler, match="parentheses"):
        handler(work)  # type: ignore[arg-type]
    assert registry.names() == ()


MODULE = """
from taskqueue.handlers import handler

@handler()
def {name}(job): ...
"""


def test_modules_are_loaded_by_path_and_by_dotted_name(
    fresh_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.handlers.py").write_text(MODULE.format(name="by_path"))
    package = tmp_path / "shop_pkg"
    package.mkdir()
    (package / "tasks.py").write_text(MODULE.format(name="by_name"))
    monkeypatch.syspath_prepend(tmp_path)
    load_modules([str(tmp_path / "shop.handlers.py"), "shop_pkg.tasks"])
    assert fresh_registry.names() == ("by_name", "by_path")


def test_a_file_named_twice_is_loaded_once(
    fresh_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "once.py").write_text(MODULE.format(name="once"))
    monkeypatch.chdir(tmp_path)
    load_modules([str(tmp_path / "once.py"), "once.py", "./once.py"])
    assert fresh_registry.names() == ("once",)


def test_files_of_equal_names_do_not_collide(fresh_registry: Registry, tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "json.py")
        paths[-1].write_text(MODULE.format(name=f"from_{folder}"))
    load_modules(map(str, paths))
    assert fresh_registry.names() == ("from_a", "from_b")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('no database')", "no database"),
        ("def (", "SyntaxError"),
        (None, "FileNotFoundError"),
    ],
)
def test_a_failing_file_is_named_and_may_be_loaded_again(
    fresh_registry: Registry, tmp_path: Path, source: str | None, said: str
) -> None:
    path = tmp_path / "broken.py"
    if source is not None:
        path.write_text(source)
    with pytest.raises(UnloadableHandlers, match=rf"broken\.py: .*{said}"):
        load_modules([str(path)])
    path.write_text(MODULE.format(name="mended_now_and_longer"))
    load_modules([str(path)])
    assert fresh_registry.names() == ("mended_now_and_longer",)


def test_a_missing_module_is_named() -> None:
    with pytest.raises(UnloadableHandlers, match=r"no_such_module_here: ModuleNotFoundError"):
        load_modules(["no_such_module_here"])


def install(folder: Path, entry_points: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a distribution with entry points where importlib.metadata finds it."""
    dist = folder / "shop-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text(f"[taskqueue.handlers]\n{entry_points}\n")
    monkeypatch.syspath_prepend(folder)


def test_entry_points_name_a_function_or_a_module(
    fresh_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_ep.py").write_text(MODULE.format(name="decorated") + "\ndef plain(job): ...\n")
    install(tmp_path, "renamed = shop_ep:plain\nall = shop_ep", monkeypatch)
    load_entry_points()
    assert fresh_registry.names() == ("decorated", "renamed")


def test_a_failing_entry_point_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "lost = no_such_module_here:f", monkeypatch)
    with pytest.raises(UnloadableHandlers, match=r"lost = no_such_module_here:f"):
        load_entry_points()


def test_the_decorator_fills_the_default_registry() -> None:
    assert isinstance(default_registry, Registry)


def test_shutdown_functions_keep_their_order_and_are_async(fresh_registry: Registry) -> None:
    async def first() -> None: ...

    async def second() -> None: ...

    assert on_shutdown(first) is first
    on_shutdown(second)
    assert fresh_registry.closings == [first, second]
    with pytest.raises(BadHandler, match="async def"):
        on_shutdown(work)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "E: <E without a text"),
    ],
)
def test_a_file_that_exits_is_named(tmp_path: Path, source: str, said: str) -> None:
    file = tmp_path / "ends.py"
    file.write_text(source)
    with pytest.raises(UnloadableHandlers, match=rf"ends\.py: {said}"):
        load_modules([str(file)])


def test_a_non_text_name_is_refused(fresh_registry: Registry) -> None:
    with pytest.raises(BadHandler, match=r"must be a text \(was 5\)"):
        fresh_registry.add(5, work)  # type: ignore[arg-type]
