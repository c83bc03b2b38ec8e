"""Judge an object by its status as Flux (kstatus) and Argo CD (the shipped script) do."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from lupa.lua51 import LuaRuntime

ARGO_CD = Path(__file__).parents[3] / "deploy" / "argocd" / "argocd-cm.yaml"
Object = Mapping[str, Any]

#: Argo CD's interpreter has the libraries base, package and table, and of os what tells the time.
_AS_IN_ARGO_CD = """
debug.setmetatable("", nil)
os = { time = os.time, date = os.date }
string, math, io, debug, coroutine = nil, nil, nil, nil, nil
"""


class Seen(NamedTuple):
    status: str
    message: str


def kstatus(program: Path, objects: Sequence[Object]) -> dict[str, Seen]:
    """Return the real kstatus of each object, by kind/name."""
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    run = subprocess.run(
        [program], input=json.dumps(listed), capture_output=True, text=True, check=True, timeout=30
    )
    lines = map(json.loads, run.stdout.splitlines())
    return {f"{line['kind']}/{line['name']}": Seen(line["status"], line["message"]) for line in lines}


def argo_cd(one: Object, data: Mapping[str, str] | None = None) -> Seen:
    """Return Argo CD's verdict on an object. data: of its ConfigMap; the shipped one by default."""
    entries = data or yaml.safe_load(ARGO_CD.read_text())["data"]
    group = one["apiVersion"].partition("/")[0]
    lua = LuaRuntime()
    lua.execute(_AS_IN_ARGO_CD)
    lua.globals().obj = lua.table_from(one, recursive=True)
    said = lua.execute(entries[f"resource.customizations.health.{group}_{one['kind']}"])
    assert set(said) == {"status", "message"}
    return Seen(said["status"], said["message"])
