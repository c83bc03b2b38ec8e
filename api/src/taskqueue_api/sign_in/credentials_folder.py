"""The credentials in force: a folder is read again every two seconds, and a broken change is not taken over."""

import asyncio
from pathlib import Path

import structlog

from taskqueue_api.sign_in.credentials import Credentials, CredentialsRefusedError, read_credentials

#: Seconds between two looks at the folder.
_LOOK_S = 2.0

log = structlog.get_logger("taskqueue.api")


class CredentialsFolder:
    """The credentials of a folder, or none. The first reading raises CredentialsRefusedError.

    current: the last good credentials.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._faults: tuple[str, ...] = ()
        self.current = read_credentials(folder) if folder else Credentials()

    @property
    def exists(self) -> bool:
        """Tell whether callers must sign in."""
        return self._folder is not None

    def note(self) -> str | None:
        """Return a sentence about the folder's faults, for /readyz."""
        return (
            f"credentials as they were, as the folder is at fault: {'; '.join(self._faults)}"
            if self._faults
            else None
        )

    async def follow(self) -> None:
        """Read the folder again and again, until cancelled."""
        while self._folder:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self.look, self._folder)

    def look(self, folder: Path) -> None:
        """Take over the folder's credentials if they are good, and log each change."""
        try:
            found = read_credentials(folder)
        except CredentialsRefusedError as error:
            if error.args != self._faults:
                log.warning("credentials refused, the last good ones stay", faults=list(error.args))
            self._faults = error.args
            return
        self._faults = ()
        if found != self.current:
            self.current = found
            log.info("credentials changed", callers=len(found.tokens))
