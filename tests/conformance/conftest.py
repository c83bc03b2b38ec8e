"""Every case is a row: printed as it comes, and written to dist/conformance.json when all have run."""

import json
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Row = Callable[..., None]


@pytest.fixture(scope="session")
def row(pytestconfig: pytest.Config) -> Iterator[Row]:
    """Call it with the case, the limit and the figures. The load of the machine says how much to believe them."""
    rows: list[dict[str, object]] = []

    def add(case: str, rate: float, **figures: float) -> None:
        shown = {name: round(value, 4) for name, value in figures.items()}
        rows.append({"case": case, "rate": rate, **shown, "load": round(os.getloadavg()[0], 2)})
        print(f"\n{case:40} R={rate:<6g}", *(f"{name}={value:g}" for name, value in shown.items()), end="  ")

    yield add
    path = Path(pytestconfig.rootpath, "dist", "conformance.json")
    path.parent.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
