"""docs/tutorial.md, typed from its first file to the last command."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.support.docs.page import ROOT, blocks
from tests.support.docs.reader import Reader

PAGE = "docs/tutorial.md"
#: The reader has the commands of this environment already.
INSTALLED = {"source .venv/bin/activate\n": ""}
#: A busy machine held requests up on their way; the limit itself has tests of its own.
SAW_MORE = 4


def summary(printed: str) -> dict[str, str]:
    """Read the table that `taskqueue dev` prints at its end."""
    return dict(re.findall(r"^([a-z][\w ]*\w) {2,}(\S+)$", printed, re.MULTILINE))


@pytest.fixture(autouse=True)
def own_api() -> Iterator[None]:
    """Hold the port that `dev` prefers for its API, as another run on this machine may call an API there."""
    with closing(socket.socket()) as held:
        with suppress(OSError):
            held.bind(("127.0.0.1", 8099))
        yield


async def test_tutorial_runs_as_typed(tmp_path: Path) -> None:
    install, *steps = blocks(PAGE)
    assert install.text.startswith("make .venv/.synced\n")
    assert re.search(r"^STAMP := \$\(VENV\)/\.synced$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    first = [block for block in steps if block.chapter.startswith("2.")]
    second = [block for block in steps if block.chapter.startswith("3.")]
    last = [block for block in steps if block.chapter.startswith("4.")]
    assert len(first) + len(second) + len(last) == len(steps)
    async with Reader(tmp_path, INSTALLED) as reader:
        one_shop = summary(await reader.follow(first))
        assert one_shop["audit difference"] == "0"
        assert int(one_shop["done"]) >= 1
        printed = await reader.follow(second)
        assert re.search(r"users +21\n", printed)
        assert re.findall(r"^verdict +(\w+)$", printed, re.MULTILINE) == ["DoesNotFit", "Fits"]
        assert "raise the limit to 12/s" in printed
        looked = await reader.follow(last)
        assert "shop-7" in looked
        assert re.search(r"fetch-orders .* 21 ", looked)
        code, ended = await reader.programs.pop().interrupt()
    assert code in {0, SAW_MORE}, ended
    shops = summary(ended)
    assert int(shops["done"]) >= 1
    assert (shops["audit difference"], shops["dead"]) == ("0", "0")
