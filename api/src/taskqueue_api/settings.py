"""The settings of `taskqueue api`."""

from pathlib import Path

from pydantic import Field, SecretStr

from taskqueue.process.settings import ProcessSettings


class ApiSettings(ProcessSettings):
    """Serve the HTTP API and the web console, until a signal."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen at. Addresses other than loopback need --credentials.",
    )
    port: int = Field(default=8090, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    health_port: int = Field(
        default=8082,
        ge=0,
        le=65_535,
        description="Port of /livez, /readyz and /metrics; 0 takes a free one.",
    )
    hosts: list[str] = Field(
        default_factory=list,
        description="Host names under which browsers and clients reach this process, besides those of loopback; may "
        "be repeated. Requests for other hosts are refused.",
    )
    credentials: Path | None = Field(
        default=None,
        description="Folder, such as a mounted Secret, with any of viewer-tokens and editor-tokens (a line NAME TOKEN "
        "each), cookie-key, and proxy-secret.",
    )
    editor_groups: list[str] = Field(
        default_factory=list,
        description="Groups whose members may write, by the header X-Forwarded-Groups of a proxy; may be repeated.",
    )
    one_time_token: SecretStr | None = Field(
        default=None, description="Token that signs one browser in as an editor, once."
    )
    session: int = Field(
        default=28_800, ge=60, le=2_592_000, description="Seconds until a browser must sign in again."
    )
    read_only: bool = Field(default=False, description="Refuse all writes, also of editors.")
    show_params: bool = Field(default=False, description="Show the params of subscriptions and jobs.")
