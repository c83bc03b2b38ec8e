"""The text of a Lua script with the shared parts that its header asks for, and its digest."""

import hashlib
import re
from functools import cache
from importlib.resources import files

_SCRIPTS = files("taskqueue.store") / "scripts"
_COMMAND = re.compile(r"\b(?:redis|server)\.p?call\('([A-Z]+)'")
_USES = re.compile(r"^-- uses:((?: \w+)+)$", re.MULTILINE)


def part(name: str) -> str:
    """Read the text of one shared part.

    A seam for tests: they replace this function to give scripts a clock that stands still until it is moved, in place
    of `clock_us` in lib/base.lua (tests/support/store/script_clock.py).
    """
    return (_SCRIPTS / "lib" / f"{name}.lua").read_text()


@cache
def source(name: str) -> str:
    """The whole text of script `name`: the parts of `-- uses:` in that order, then its own body.

    In front of all stands COMMANDS, a list of all commands that it calls.
    """
    body = (_SCRIPTS / f"{name}.lua").read_text()
    uses = _USES.search(body)
    text = "\n".join([*(part(used) for used in (uses.group(1).split() if uses else [])), body])
    commands = ", ".join(f"'{command}'" for command in sorted({*_COMMAND.findall(text)}))
    return f"local COMMANDS = {{ {commands} }}\n{text}"


@cache
def digest(name: str) -> str:
    """Return the SHA-1 by which a server that has loaded script `name` knows it."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()
