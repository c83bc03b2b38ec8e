"""The documentation follows the code."""

import re
import runpy
from pathlib import Path

import pytest

from taskqueue.models.cron import check_cron
from taskqueue.models.cron_refusal import MACROS
from taskqueue.models.refusal import ValueRefusedError
from tests.support.repo.sources import PRODUCT, python_files
from tools.docs.schedule_pictures import DRAWN, PICTURES

ROOT = Path(__file__).parents[3]
# Not all below ROOT: there may be environments, builds and what somebody tries out.
FOLDERS = ("docs", "examples", "helm", "deploy", "tools", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])


def test_the_reference_page_equals_the_code() -> None:
    page = runpy.run_path(str(ROOT / "tools" / "docs" / "configuration_page.py"))["text"]()
    assert (ROOT / "docs" / "configuration.md").read_text() == page, "run `make docs`"


def test_the_page_of_the_api_equals_the_routes() -> None:
    page = runpy.run_path(str(ROOT / "tools" / "docs" / "api_page.py"))["text"]()
    assert (ROOT / "docs" / "api.md").read_text() == page, "run `make docs`"


def test_the_pictures_equal_the_plan() -> None:
    kept = {path.name: path.read_text() for path in PICTURES.glob("*.svg")}
    assert kept == {name: draw().svg() for name, draw in DRAWN.items()}, "run `make docs`"


def test_no_page_has_marks_of_a_merge_conflict() -> None:
    marks = ("<" * 7 + " ", ">" * 7 + " ")
    assert [page for page in PAGES if any(mark in page.read_text() for mark in marks)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_every_file_named_by_internals_exists() -> None:
    named = re.findall(r"`([\w/]+\.(?:py|lua))`", (ROOT / "docs" / "internals.md").read_text())
    files = [path.as_posix().replace("taskqueue_worker", "worker") for path in ROOT.glob("*/src/**/*.*")]
    assert len(named) > 20
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in files)] == []


def test_every_script_has_a_row_on_the_page_of_redis() -> None:
    table = (ROOT / "docs" / "redis.md").read_text().partition("| script |")[2].partition("\n\n")[0]
    rows = set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])))
    scripts = {path.stem for path in (ROOT / "core/src/taskqueue/store/scripts").glob("*.lua")}
    assert scripts - rows == set()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "tests/README.md"])
def test_files_and_folders_named_for_contributors_exist(page: str) -> None:
    named = re.findall(r"`([\w./]+/[\w./]*|\w+\.py|values\.schema\.json)`", (ROOT / page).read_text())
    tests = ("tests", "tests/support/store", "tests/support/site", "tests/unit/repo")
    bases = [ROOT / folder for folder in (".", "core/src/taskqueue", "helm/taskqueue", *tests)]
    made = (
        "dist/",
        "settings.py",
        "metrics.py",
        "values.py",
        "/run",
    )  # by a run; one of each process or package
    missing = [name for name in named if not any((base / name).exists() for base in bases)]
    assert len(named) > 10
    assert [name for name in missing if not name.startswith(made)] == []


def test_the_cron_lines_of_the_schedules_page_are_right() -> None:
    page = (ROOT / "docs" / "scheduling.md").read_text()
    lines = set(re.findall(r"`([-0-9*/,A-Z#]+(?: [-0-9*/,A-Z#]+){4})`", page))
    refused = set()
    for line in lines:
        try:
            check_cron(line)
        except ValueRefusedError:
            refused.add(line)
    assert len(lines) > 20
    assert refused == {"0 0 31 2 *", "0 0 31 4,6 *", "0 0 LW * */7"}
    for word, line in MACROS.items():
        assert f"`{word}`" in page
        assert f"`{line}`" in page


def test_page_of_settings_lists_every_metric() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    makers = r"(?:Counter|Gauge|Histogram|CounterMetricFamily|GaugeMetricFamily|HistogramMetricFamily)"
    named = [
        name
        for path in python_files(*PRODUCT)
        for name in re.findall(rf'\b{makers}\(\s*"(taskqueue_\w+)"', path.read_text())
    ]
    assert len(named) > 30
    assert [name for name in named if not re.search(rf"^\| `{name}(?:_total)?`", page, re.MULTILINE)] == []
