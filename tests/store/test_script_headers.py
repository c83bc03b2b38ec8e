"""Every script's header names its input and output, and its code agrees."""

import ast
import re
from importlib.resources import files
from pathlib import Path

import pytest

from taskqueue import store
from taskqueue.store import script

SCRIPTS = Path(str(files("taskqueue.store") / "scripts"))
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.lua"))
PARTS = sorted(path.stem for path in (SCRIPTS / "lib").glob("*.lua"))


def header(name: str) -> str:
    lines = (SCRIPTS / f"{name}.lua").read_text().splitlines()
    end = next(k for k, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[:end])


def code(name: str) -> str:
    """The script's own text without comments."""
    text = (SCRIPTS / f"{name}.lua").read_text()
    return re.sub(r"--.*", "", text)


def test_the_scripts_are_those_of_the_design() -> None:
    verbs = "audit cancel catalog claim clock end_pauses enqueue follow_limits follow_suspended heartbeat"
    verbs += (
        " history install note_write open_limit override pass_wakeup pause_user permit put_limits put_types"
    )
    verbs += (
        " redeal redrive repair retention scan_jobs scan_moves set_aside set_users subscribe take_epoch tick"
    )
    verbs += " try_suspended work"
    assert verbs.split() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_header_names_script_keys_arguments_output_and_parts(name: str) -> None:
    text = header(name)
    assert text.startswith(f"-- {name}: ")
    for word in ("KEYS  1 prefix", "ARGV  ", "Output  ", "uses: "):
        assert f"\n-- {word}" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_used_are_the_arguments_named(name: str) -> None:
    arguments = re.split(r"\n-- (?:Output|uses)", header(name).split("ARGV", 1)[1])[0]
    named = {int(n) for n in re.findall(r"\s{2}(\d) [a-z]", arguments)}
    used = {int(n) for n in re.findall(r"ARGV\[(\d+)\]", code(name))}
    assert used <= named
    assert named == set(range(1, len(named) + 1))
    assert named - used == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_used_exist_and_are_put_in_front(name: str) -> None:
    uses = re.findall(r"^-- uses: (.*)$", header(name), re.MULTILINE)
    assert len(uses) == 1
    parts = uses[0].split()
    assert parts[0] == "base"
    assert set(parts) <= set(PARTS)
    whole = script.source(name)
    positions = [whole.index(script.part(part)) for part in (*script.BASE, *parts[1:])]
    assert positions == sorted(positions)
    assert whole.index((SCRIPTS / f"{name}.lua").read_text()) > positions[-1]


def test_every_part_is_used() -> None:
    used = {part for name in NAMES for part in header(name).split("-- uses: ")[1].split()}
    assert set(PARTS) == used.union(script.BASE)


@pytest.mark.parametrize("name", [*NAMES, *(f"lib/{part}" for part in PARTS)])
def test_no_script_walks_or_empties_the_keyspace(name: str) -> None:
    text = code(name)
    assert not re.search(r"call\('(KEYS|SCAN|FLUSH\w*|RANDOMKEY|SORT|EVAL\w*)'", text, re.IGNORECASE)
    assert not re.search(r"KEYS\[[^1]\]", text)


@pytest.mark.parametrize(
    "name", [*NAMES, *(f"lib/{part}" for part in PARTS if part not in {"base", "malformed"})]
)
def test_every_command_is_guarded_against_keys_of_another_type(name: str) -> None:
    assert re.findall(r"redis\.(?!call\b)\w+|server\.\w+", code(name)) == []


@pytest.mark.parametrize("name", [*NAMES, *(f"lib/{part}" for part in PARTS)])
def test_every_key_is_made_from_the_prefix(name: str) -> None:
    for match in re.finditer(r"redis\.call\('(\w+)',\s*([^,)]+)", code(name)):
        command, key = match.groups()
        if command not in {"TIME", "INFO"}:
            assert re.match(r"P \.\. |key$|id$|claims_key$|subscriptions_key$", key.strip()), match.group()


def test_every_script_has_one_wrapper_and_every_wrapper_a_script() -> None:
    called: dict[str, set[str]] = {}
    for path in SCRIPTS.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Script":
                called.setdefault(path.name, set()).update(
                    arg.value
                    for arg in node.args[:1]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )
    assert sorted(name for names in called.values() for name in names) == NAMES
    elsewhere = {module[:-3]: sorted(names) for module, names in called.items() if {module[:-3]} != names}
    listed = re.findall(r"^    (\w+): (.+)$", store.__doc__ or "", re.MULTILINE)
    assert {module: names.split(", ") for module, names in listed} == elsewhere
