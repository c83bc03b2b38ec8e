"""The parts of one process, for its routes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from taskqueue.client import Client
from taskqueue.store.connection import Store
from taskqueue_api.live.reader import Reader
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.authentication import SignIn


@dataclass(frozen=True, slots=True)
class Parts:
    """store: for reads through the views.   client: for writes.   reader: the snapshot that all pages share."""

    settings: ApiSettings
    store: Store
    client: Client
    sign_in: SignIn
    reader: Reader


def parts_of(request: Request) -> Parts:
    """Return the parts of the process that answers a request."""
    parts: Parts = request.app.state.parts
    return parts


UsedParts = Annotated[Parts, Depends(parts_of)]
