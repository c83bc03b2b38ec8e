"""Settings of a process: flags over environment (TASKQUEUE_...) over the YAML file of --config over defaults.

`load` reads them for a command. A refusal is a sentence that names the source of the value, the setting and the
allowed values; the process then ends with exit code 2.
"""

import json
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, get_args

import typer
from pydantic import AfterValidator, Field, Secret, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from taskqueue.command_line.settings_options import SettingsCommand, flag, settings_options
from taskqueue.models.value_rules import sentence_of
from taskqueue.process import malformed_values
from taskqueue.process.settings_file import SettingsRefusedError, read_settings_file
from taskqueue.store.connection import Store, open_store
from taskqueue.store.errors import StoreUrlError
from taskqueue.store.keys import RELEASE_PATTERN, RELEASE_RULE
from taskqueue.store.url import parse_url
from taskqueue.text.log import LogFormat, LogLevel
from taskqueue.text.printable import printable_line
from taskqueue.text.redaction import HIDDEN, redact

ENVIRONMENT_PREFIX = "TASKQUEUE_"
EXIT_BAD_SETTINGS = 2
_MUST_BE_LIST = 'must be a list in JSON, such as ["shop.handlers"]'
#: Maximum characters of one refusal, and of the value that it quotes.
_MAX_SENTENCE, _MAX_VALUE = 1_000, 100


def matching(pattern: str, rule: str) -> AfterValidator:
    """Return the check of text by a pattern.   rule: as in "must be a name"; it is told together with the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{rule} (pattern {pattern})")
        return value

    return AfterValidator(check)


class RedisUrl(Secret[str]):
    """A URL whose text has no login. `get_secret_value()` returns the whole URL."""

    def _display(self) -> str:
        try:
            return str(parse_url(self.get_secret_value()))
        except StoreUrlError:
            return HIDDEN


class StoreSettings(BaseSettings):
    """Settings of every process that uses the store."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    config: Path | None = Field(default=None, description="YAML file with settings.")
    redis_url: RedisUrl = Field(
        default=RedisUrl("redis://127.0.0.1:6379/0"),
        description="URL of the store: redis://, rediss:// (TLS), unix://, redis+sentinel://HOST,HOST/NAME or "
        "redis+cluster://HOST. Put a password into the environment rather than into a flag.",
    )
    sentinel_password: SecretStr | None = Field(
        default=None,
        description="Password of the Sentinels, if they have one; the password of the store is in its URL.",
    )
    release: Annotated[str, matching(RELEASE_PATTERN, RELEASE_RULE)] = Field(
        default="default",
        description="Release name; separates installations that share one Redis.",
    )
    log_level: LogLevel = Field(default="info", description="Lowest level that is logged.")
    log_format: LogFormat = Field(
        default="json", description="One JSON object a line, or readable lines for a console."
    )

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: RedisUrl) -> RedisUrl:
        try:
            open_store(value.get_secret_value())  # connects to nothing yet
        except StoreUrlError as error:
            raise ValueError(str(error)) from None
        return value

    def open_store(self) -> Store:
        """Return the store of these settings; it connects at the first use."""
        secret = self.sentinel_password
        password = secret.get_secret_value() if secret else None
        store = open_store(self.redis_url.get_secret_value(), self.release, sentinel_password=password)
        store.malformed.tell = malformed_values.tell
        return store


class ProcessSettings(StoreSettings):
    """Settings of every process with a health port."""

    health_host: str = Field(default="127.0.0.1", description="Address of /livez, /readyz and /metrics.")
    health_port: int = Field(
        default=8080,
        ge=0,
        le=65_535,
        description="Port of /livez, /readyz and /metrics; 0 takes a free one.",
    )


AnySettings = TypeVar("AnySettings", bound=StoreSettings)


def settings_command(
    settings_class: type[AnySettings], serve: Callable[[AnySettings], int]
) -> SettingsCommand:
    """Make the command of a process: its options are the settings, its exit code the one that `serve` returns."""

    def use(flags: Mapping[str, Any], prog: str) -> NoReturn:
        raise typer.Exit(serve(resolve(settings_class, flags, prog)))

    return settings_options(settings_class, use, _refuse)


def load(settings_class: type[AnySettings], argv: Sequence[str], prog: str) -> AnySettings:
    """Return the settings of the command `prog` with the arguments `argv` (without its name).

    Raises SystemExit: code 0 after --help, 2 with a sentence for every fault on standard error.
    """
    found: list[AnySettings] = []

    def use(flags: Mapping[str, Any], prog: str) -> None:
        found.append(resolve(settings_class, flags, prog))

    settings_options(settings_class, use, _refuse).main(list(argv), prog_name=prog, standalone_mode=False)
    if not found:
        raise SystemExit(0)
    return found[0]


def resolve(settings_class: type[AnySettings], flags: Mapping[str, Any], prog: str) -> AnySettings:
    """Return the settings for the options that were given. Raises SystemExit with code 2, as `load` does."""
    try:
        flags = {
            name: _items(name, value) if isinstance(value, list) else value for name, value in flags.items()
        }
        environment = _environment(settings_class)
        path = flags.get("config") or environment.get("config")
        file = (
            read_settings_file(Path(str(path)), settings_class.model_fields.keys() - {"config"})
            if path
            else {}
        )
        origin = {name: f"{redact(str(path))}: {name}" for name in file}
        origin |= {name: ENVIRONMENT_PREFIX + name.upper() for name in environment}
        origin |= {name: flag(name) for name in flags}
        try:
            return settings_class(**{**file, **environment, **flags})
        except ValidationError as error:
            found = error.errors(include_url=False)
            secret = {name for name, field in settings_class.model_fields.items() if _is_secret(field)}
            raise SettingsRefusedError(*(_sentence(one, origin, secret) for one in found)) from None
    except SettingsRefusedError as error:
        _refuse(prog, *error.args)


def _items(name: str, values: list[str]) -> list[Any]:
    """Return the items of an option that may be repeated: each value is one item, items after commas, or JSON."""
    items: list[Any] = []
    for value in values:
        if not value.lstrip().startswith("["):
            items += [item.strip() for item in value.split(",")]
            continue
        try:
            items += json.loads(value)
        except (ValueError, RecursionError):
            raise SettingsRefusedError(f"{flag(name)} {_MUST_BE_LIST}") from None
    return items


def _environment(settings_class: type[StoreSettings]) -> Mapping[str, Any]:
    try:
        return dict(EnvSettingsSource(settings_class)())
    except SettingsError as error:  # only a value that must be JSON is read here
        named = re.search(r'field "(\w+)"', str(error))
        variable = ENVIRONMENT_PREFIX + (named[1] if named else "settings").upper()
        raise SettingsRefusedError(f"{variable} {_MUST_BE_LIST}") from None


def _is_secret(field: FieldInfo) -> bool:
    types = (field.annotation, *get_args(field.annotation))
    return any(hasattr(one, "get_secret_value") for one in types)


def _sentence(error: ErrorDetails, origin: Mapping[str, str], secret: Collection[str]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    place = origin.get(name, name) + "".join(f"[{part}]" for part in error["loc"][1:])
    message = sentence_of(error)
    if not message.startswith("must "):
        return f"{place}: {message}"
    value = "hidden" if name in secret else redact(printable_line(error["input"], _MAX_VALUE))
    return f"{place} {message} (was {value})"


def _refuse(prog: str, *sentences: str) -> NoReturn:
    for sentence in sentences:
        sys.stderr.write(f"{prog}: {printable_line(sentence, _MAX_SENTENCE)}\n")
    sys.stderr.write(f"{prog}: --help names every setting\n")
    raise SystemExit(EXIT_BAD_SETTINGS)
