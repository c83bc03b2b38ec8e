"""The documentation follows the code."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in ROOT.rglob("*.md") if ".venv" not in page.parts and "dist" not in page.parts)


def test_the_page_of_settings_manifests_and_metrics_is_what_the_code_says() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["text"]()
    assert (ROOT / "docs" / "configuration.md").read_text() == page, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_every_file_of_code_that_the_internals_name_is_there() -> None:
    named = re.findall(r"`([\w/]+\.(?:py|lua))`", (ROOT / "docs" / "internals.md").read_text())
    files = [path.as_posix().replace("taskqueue_worker", "worker") for path in ROOT.glob("*/src/**/*.*")]
    assert len(named) > 20
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in files)] == []
