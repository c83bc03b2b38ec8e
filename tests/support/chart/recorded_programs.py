"""Programs that a test cannot run, each stood in for by one that records how it was called."""

import json
import shlex
import sys
from pathlib import Path

RECORD = """#!{python}
import json, sys
with open({log}, "a") as log:
    log.write(json.dumps([{name}, *sys.argv[1:]]) + "\\n")
"""


class StandIns:
    """folder: comes first on a person's PATH."""

    def __init__(self, folder: Path, *names: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._log = folder / "calls"
        self._log.touch()
        for name in names:
            program = folder / name
            text = RECORD.format(python=sys.executable, log=repr(str(self._log)), name=repr(name))
            program.write_text(text)
            program.chmod(0o755)

    def calls(self) -> list[str]:
        """Return the commands so far, as they would be typed."""
        return [shlex.join(json.loads(line)) for line in self._log.read_text().splitlines()]
