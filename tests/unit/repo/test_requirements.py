"""Pins in requirements/: version and hash of each package, under the project's names."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = PROJECT["project"]["name"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
#: One environment: each package is pinned once.
SHARED = ("build.txt", "product.txt", "development.txt")
FILES = (*SHARED, "docs.txt")


class Pin(NamedTuple):
    requirement: Requirement
    hashes: list[str]


def pins(file: str) -> dict[str, Pin]:
    """Read one requirement file without its includes."""
    text = (ROOT / "requirements" / file).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith(("#", "-r "))]
    found = [Pin(Requirement(line.split(" --hash=")[0]), line.split(" --hash=")[1:]) for line in lines]
    return {canonicalize_name(pin.requirement.name): pin for pin in found}


def wanted(requirements: list[str]) -> list[Requirement]:
    return [one for one in map(Requirement, requirements) if canonicalize_name(one.name) != NAME]


@pytest.mark.parametrize("file", FILES)
def test_every_line_has_one_version_and_hashes_and_no_index(file: str) -> None:
    assert "://" not in (ROOT / "requirements" / file).read_text()
    assert pins(file)
    for name, pin in pins(file).items():
        (specifier,) = pin.requirement.specifier
        assert specifier.operator == "==", name
        assert pin.hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in pin.hashes), name


def test_no_package_is_in_two_files() -> None:
    names = [name for file in SHARED for name in pins(file)]
    assert len(names) == len(set(names))
    included = re.findall(r"^-r (.+)$", (ROOT / "requirements" / "development.txt").read_text(), re.MULTILINE)
    assert included == ["build.txt", "product.txt"]


@pytest.mark.parametrize(
    ("file", "requirements"),
    [
        ("build.txt", PROJECT["build-system"]["requires"]),
        (
            "product.txt",
            [*PROJECT["project"]["dependencies"], *(one for some in EXTRAS.values() for one in some)],
        ),
        ("development.txt", [one for one in PROJECT["dependency-groups"]["dev"] if isinstance(one, str)]),
        ("docs.txt", PROJECT["dependency-groups"]["docs"]),
    ],
)
def test_a_pin_satisfies_the_project(file: str, requirements: list[str]) -> None:
    for requirement in wanted(requirements):
        (pinned,) = pins(file)[canonicalize_name(requirement.name)].requirement.specifier
        assert requirement.specifier.contains(pinned.version), requirement


def test_install_instructions_name_the_project_and_an_extra() -> None:
    said = [
        (file.relative_to(ROOT), name, extra)
        for folder in ("core/src", "api/src", "operator/src", "worker/src", "docs")
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.md")]
        for name, extra in re.findall(r"\b(taskqueue[\w-]*)\[([a-z,]+|\{extra\})\]", file.read_text())
    ]
    assert len(said) > 2
    assert [one for one in said if one[1] != NAME or one[2] not in {*EXTRAS, "{extra}"}] == []
