"""Loads a Lua script with the shared parts its header asks for, and runs it by digest."""

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from taskqueue.store.connection import Store

_SCRIPTS = files("taskqueue.store") / "scripts"
_USES = re.compile(r"^-- uses:((?: \w+)+)$", re.MULTILINE)


def part(name: str) -> str:
    """Read the text of one shared part.

    A seam for tests: they replace this function to give scripts a clock that stands still until it is moved, in place
    of `clock_us` in lib/base.lua (tests/parts/script_clock.py).
    """
    return (_SCRIPTS / "lib" / f"{name}.lua").read_text()


@cache
def source(name: str) -> str:
    """The whole text of script `name`: the parts of `-- uses:` in that order, then its own body."""
    body = (_SCRIPTS / f"{name}.lua").read_text()
    uses = _USES.search(body)
    return "\n".join([*(part(used) for used in (uses.group(1).split() if uses else [])), body])


@cache
def _digest(name: str) -> str:
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


async def run(store: Store, name: str, *args: str | bytes | float) -> Any:
    """Runs script `name` with the release's prefix as its one key.

    A server that does not know the script has not run any of it, so loading and asking again is safe. Nothing
    else is ever repeated here: a lost answer is the caller's to handle, who knows whether a repeat is harmless.
    """
    prefix = store.keys.prefix
    try:
        return await store.client.evalsha(_digest(name), 1, prefix, *args)
    except NoScriptError:
        return await store.client.eval(source(name), 1, prefix, *args)
