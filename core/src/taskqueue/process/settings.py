"""Settings of a process: flags over environment (TASKQUEUE_...) over the YAML file of --config over defaults.

`load` reads them for a command. A refusal is a sentence that names the source of the value, the setting and the
allowed values; the process then ends with exit code 2.
"""

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

import yaml
from pydantic import Field, Secret, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from taskqueue.process import malformed_values
from taskqueue.sources.bounded_file import FileRefusedError, read_bounded
from taskqueue.sources.yaml_documents import yaml_documents
from taskqueue.store.connection import Store, open_store
from taskqueue.store.errors import StoreUrlError
from taskqueue.store.keys import RELEASE_PATTERN, RELEASE_RULE
from taskqueue.store.url import parse_url
from taskqueue.text.log import LogFormat, LogLevel
from taskqueue.text.printable import printable_line
from taskqueue.text.redaction import HIDDEN, redact, redact_usage

ENVIRONMENT_PREFIX = "TASKQUEUE_"
EXIT_BAD_SETTINGS = 2
_WRITE_LIST = 'write a list in JSON, such as ["shop.handlers"]'
#: Replace messages that name a class of Python, or that show a regular expression alone.
_OWN_WORDS = {
    "path_type": "must be a path",
    "string_pattern_mismatch": f"{RELEASE_RULE} (pattern {RELEASE_PATTERN})",
}
#: Maximum characters of one refusal, and of the value that it quotes.
_MAX_SENTENCE, _MAX_VALUE = 1_000, 100


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

    config: Path | None = Field(default=None, description="YAML file with settings, by the names below.")
    redis_url: RedisUrl = Field(
        default=RedisUrl("redis://127.0.0.1:6379/0"),
        description="URL of the store: redis://, rediss:// (TLS), unix://, redis+sentinel://HOST,HOST/NAME or "
        "redis+cluster://HOST. Put a password into the environment rather than into a flag.",
    )
    sentinel_password: SecretStr | None = Field(
        default=None,
        description="Password of the Sentinels, if they have one; the password of the store is in its URL.",
    )
    release: str = Field(
        default="default",
        pattern=RELEASE_PATTERN,
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


class _Refused(Exception):  # noqa: N818
    """Values that are refused; each of the args is a sentence about one of them."""


def load(settings_class: type[AnySettings], argv: Sequence[str], prog: str) -> AnySettings:
    """Return the settings of the command `prog` with the arguments `argv` (without its name).

    Raises SystemExit: code 0 after --help, 2 with a sentence for every fault on standard error.
    """
    try:
        flags = _flags(settings_class, argv, prog)
        environment = _environment(settings_class)
        path = flags.get("config") or environment.get("config")
        file = _file(settings_class, Path(str(path))) if path else {}
        origin = {name: f"{redact(str(path))}: {name}" for name in file}
        origin |= {name: ENVIRONMENT_PREFIX + name.upper() for name in environment}
        origin |= {name: _flag(name) for name in flags}
        try:
            return settings_class(**{**file, **environment, **flags})
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            secret = {name for name, field in settings_class.model_fields.items() if _is_secret(field)}
            raise _Refused(*(_sentence(one, origin, secret) for one in found)) from None
    except (_Refused, SettingsError) as error:
        _refuse(prog, error)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _flags(settings_class: type[StoreSettings], argv: Sequence[str], prog: str) -> Mapping[str, Any]:
    # A source never replaces its parser's own exit on --help; errors come back as SettingsError.
    source: CliSettingsSource[Any] = CliSettingsSource(
        settings_class,
        cli_prog_name=prog,
        cli_parse_args=list(argv),
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_exit_on_error=False,
    )
    try:
        return dict(source())
    except SettingsError as error:
        raise _Refused(f"{_flag(_field(error))}: {_WRITE_LIST}") from None


def _field(error: SettingsError) -> str:
    """Return the name of the field that pydantic's message says it cannot parse."""
    found = re.search(r'field "(\w+)"', str(error))
    return found[1] if found else "settings"


def _environment(settings_class: type[StoreSettings]) -> Mapping[str, Any]:
    try:
        return dict(EnvSettingsSource(settings_class)())
    except SettingsError as error:  # only a value that must be JSON is read here
        variable = ENVIRONMENT_PREFIX + _field(error).upper()
        raise _Refused(f"{variable}: {_WRITE_LIST}") from None


def _file(settings_class: type[StoreSettings], file: Path) -> Mapping[str, Any]:
    path = redact(str(file))
    try:
        documents = list(islice(yaml_documents(read_bounded(file)), 2))
    except (OSError, FileRefusedError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _Refused(f"--config {path}: make the file readable: {reason}") from None
    except UnicodeEncodeError:
        raise _Refused(f"--config must be the path of a file (was {path})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "write the file in UTF-8"
        raise _Refused(f"{path}{where}: write YAML: {problem}") from None
    if not documents:
        return {}
    if len(documents) > 1:
        raise _Refused(f"{path}:{documents[1].line}: write one document, and not another after ---")
    faults = documents[0].faults(path, documents[0].flaws)
    if faults:
        raise _Refused(*(f"{path}:{fault.line}: {redact(fault.field)}: {fault.message}" for fault in faults))
    values = documents[0].value
    if not isinstance(values, dict):
        raise _Refused(f"{path} must be a mapping of settings, such as `release: default`")
    known = settings_class.model_fields.keys() - {"config"}
    unknown = [f"{path}: {_unknown(str(key), known)}" for key in values if key not in known]
    if unknown:
        raise _Refused(*unknown)
    return values


def _unknown(key: str, known: set[str]) -> str:
    near = get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.0)
    return f"unknown setting {redact(key)!r}; did you mean {near[0]!r}?"


def _is_secret(field: FieldInfo) -> bool:
    types = (field.annotation, *get_args(field.annotation))
    return any(hasattr(one, "get_secret_value") for one in types)


def _sentence(error: ErrorDetails, origin: Mapping[str, str], secret: Collection[str]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    place = origin.get(name, name) + "".join(f"[{part}]" for part in error["loc"][1:])
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = _OWN_WORDS.get(error["type"], message)
    if message.startswith("should "):
        message = f"must {message.removeprefix('should ')}"
    if not message.startswith("must "):
        return f"{place}: {message}"
    value = "hidden" if name in secret else redact(printable_line(error["input"], _MAX_VALUE))
    return f"{place} {message} (was {value})"


def _refuse(prog: str, error: Exception) -> NoReturn:
    sentences = error.args if isinstance(error, _Refused) else (redact_usage(str(error)),)
    for sentence in sentences:
        line = printable_line(sentence.removeprefix("error parsing CLI: "), _MAX_SENTENCE)
        sys.stderr.write(f"{prog}: {line}\n")
    sys.stderr.write(f"{prog}: --help names every setting\n")
    raise SystemExit(EXIT_BAD_SETTINGS) from None
