"""The settings of `taskqueue api`."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from taskqueue.process.settings import ProcessSettings

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.IGNORECASE)
_MIN_ONE_TIME = 16


def _host_name(value: str) -> str:
    """Check a name or an address. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        if _HOST.fullmatch(value):
            return value.lower()
    raise ValueError("must be a host name or an address, without scheme and port, such as queue.example.com")


def _one_time(value: SecretStr) -> SecretStr:
    """Check the one-time token. Raises ValueError."""
    if len(value) < _MIN_ONE_TIME:
        raise ValueError(f"must have at least {_MIN_ONE_TIME} characters")
    return value


class ApiSettings(ProcessSettings):
    """Serve the HTTP API and the web console, until a signal."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen at. Addresses other than loopback need `credentials`.",
    )
    port: int = Field(default=8090, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    health_port: int = Field(
        default=8082,
        ge=0,
        le=65_535,
        description="Port of /livez, /readyz and /metrics; 0 takes a free one.",
    )
    hosts: list[Annotated[str, AfterValidator(_host_name)]] = Field(
        default_factory=list,
        description="Host names under which browsers and clients reach this process, besides those of loopback; may "
        "be repeated. Requests for other hosts are refused.",
    )
    https: bool = Field(
        default=False,
        description="Callers reach `hosts` by https, of an ingress or a proxy in front: cookies are for https alone.",
    )
    credentials: Path | None = Field(
        default=None,
        description="Folder, such as a mounted Secret, with any of viewer-tokens and editor-tokens (a line NAME TOKEN "
        "each), cookie-key, and proxy-secret. A change counts within seconds.",
    )
    editor_groups: list[str] = Field(
        default_factory=list,
        description="Groups whose members may write, by the header X-Forwarded-Groups of a proxy; may be repeated.",
    )
    one_time_token: Annotated[SecretStr, AfterValidator(_one_time)] | None = Field(
        default=None,
        description="Token that signs one browser in as an editor, once and within ten minutes.",
    )
    session: int = Field(
        default=28_800, ge=60, le=2_592_000, description="Seconds until a browser must sign in again."
    )
    read_only: bool = Field(default=False, description="Refuse all writes, also of editors.")
    show_params: bool = Field(default=False, description="Show the params of subscriptions and jobs.")

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine reaches the process."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
