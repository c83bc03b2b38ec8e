"""The YAML file of settings."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from taskqueue.sources.bounded_file import FileRefusedError, read_bounded
from taskqueue.sources.yaml_documents import yaml_documents
from taskqueue.text.redaction import redact


class SettingsRefusedError(Exception):
    """Values that are refused; each of the args is a sentence about one of them."""


def read_settings_file(file: Path, known: Collection[str]) -> Mapping[str, Any]:
    """Return the values of a file by the names of their settings. Raises SettingsRefusedError."""
    path = redact(str(file))
    try:
        documents = list(islice(yaml_documents(read_bounded(file)), 2))
    except (OSError, FileRefusedError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsRefusedError(f"--config must be a readable file (was {path}): {reason}") from None
    except UnicodeEncodeError:
        raise SettingsRefusedError(f"--config must be the path of a file (was {path})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a byte that is not UTF-8"
        raise SettingsRefusedError(f"{path}{where}: must be YAML: {problem}") from None
    if not documents:
        return {}
    if len(documents) > 1:
        raise SettingsRefusedError(
            f"{path}:{documents[1].line}: must be one document, without another after ---"
        )
    faults = documents[0].faults(path, documents[0].flaws)
    if faults:
        raise SettingsRefusedError(
            *(f"{path}:{fault.line}: {redact(fault.field)}: {fault.message}" for fault in faults)
        )
    values = documents[0].value
    if not isinstance(values, dict):
        raise SettingsRefusedError(f"{path} must be a mapping of settings, such as `release: default`")
    unknown = [f"{path}: {_unknown(str(key), known)}" for key in values if key not in known]
    if unknown:
        raise SettingsRefusedError(*unknown)
    return values


def _unknown(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.0)
    return f"unknown setting {redact(key)!r}; did you mean {near[0]!r}?"
