"""User ids, ids of ad hoc jobs, names of task types, of limits and of objects. All become parts of keys."""

import re
from functools import lru_cache

from taskqueue.models.refusal import ValueRefusedError, must_be

USER_ID_PATTERN = "^[!-.0-~]{1,128}$"  # printable ASCII without space and "/"
JOB_ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"
NAME_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"  # a DNS-1123 subdomain
FUNCTION_PATTERN = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
MAX_USER_ID_CHARACTERS = 128
MAX_JOB_ID_CHARACTERS = 128
USER_ID_RULE = f'1 to {MAX_USER_ID_CHARACTERS} printable ASCII characters other than space and "/"'
MAX_TYPE_CHARACTERS = 63
MAX_LIMIT_CHARACTERS = 63
MAX_OBJECT_CHARACTERS = 253
MAX_FUNCTION_CHARACTERS = 128
#: The limit of the release, which every job takes from and no manifest declares or names.
GLOBAL_LIMIT = "global"
NOT_GLOBAL = f'another name than "{GLOBAL_LIMIT}", the limit that every job takes from'

_USER_ID = re.compile(USER_ID_PATTERN.removesuffix("$"))
_JOB_ID = re.compile(JOB_ID_PATTERN.removesuffix("$"))
_NAME = re.compile(NAME_PATTERN.removesuffix("$"))
_FUNCTION = re.compile(FUNCTION_PATTERN.removesuffix("$"))


def is_user_id(text: str) -> bool:
    """Tell whether a text can be a user's id."""
    return _USER_ID.fullmatch(text) is not None


def check_user_id(user_id: str) -> str:
    """Raise ValueRefusedError unless the id can be a user's."""
    if not is_user_id(user_id):
        raise ValueRefusedError(must_be(USER_ID_RULE, user_id))
    return user_id


def check_job_id(job_id: str) -> str:
    """Raise ValueRefusedError unless the id can be an ad hoc job's."""
    if not _JOB_ID.fullmatch(job_id):
        rule = f"1 to {MAX_JOB_ID_CHARACTERS} letters, digits and ._@+-, the first a letter or digit"
        raise ValueRefusedError(must_be(rule, job_id))
    return job_id


@lru_cache(maxsize=4096)  # many users and jobs name few types
def check_type_name(name: str) -> str:
    """Raise ValueRefusedError unless the name can be a task type's."""
    return _check_name(name, MAX_TYPE_CHARACTERS, "fetch-orders")


def check_limit_name(name: str) -> str:
    """Raise ValueRefusedError unless the name can be a limit's."""
    if name == GLOBAL_LIMIT:
        raise ValueRefusedError(must_be(NOT_GLOBAL))
    return _check_name(name, MAX_LIMIT_CHARACTERS, "shopify-app")


def check_any_limit_name(name: str) -> str:
    """Raise ValueRefusedError unless the name can be a limit's, or is `global`."""
    return _check_name(name, MAX_LIMIT_CHARACTERS, "shopify-app")


def check_object_name(name: str) -> str:
    """Raise ValueRefusedError unless Kubernetes takes the name."""
    return _check_name(name, MAX_OBJECT_CHARACTERS, "fetch-orders")


def check_function(name: str) -> str:
    """Raise ValueRefusedError unless a handler can be registered under the name."""
    if not _FUNCTION.fullmatch(name):
        raise ValueRefusedError(
            must_be('the name a handler is registered under, such as "fetch_orders"', name)
        )
    return name


def _check_name(name: str, max_characters: int, example: str) -> str:
    if len(name) > max_characters or not _NAME.fullmatch(name):
        raise ValueRefusedError(
            must_be(f'1 to {max_characters} lower case letters, digits and dashes, such as "{example}"', name)
        )
    return name
