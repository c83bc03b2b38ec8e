"""References `${env:TASKQUEUE_HTTP_NAME}` in header values, so that manifests hold no secrets.

Only variables with this prefix can be read: a manifest must not send the rest of the worker's environment, such as its
Redis password, to a URL of its choice.
"""

import re
from collections.abc import Mapping

from taskqueue.handlers.errors import BadHttpCall

PREFIX = "TASKQUEUE_HTTP_"
_REFERENCE = re.compile(r"\$\{([^}]*)(\}?)")
_ALLOWED = re.compile(rf"env:({PREFIX}[A-Z0-9_]+)")
# Characters that end a header or are not allowed in one (RFC 9110, 5.5).
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def expand(header: str, value: str, environment: Mapping[str, str]) -> str:
    """Replace the references in a header's value.

    Raises BadHttpCall, naming the header but no value, for any other ${...}, for a variable that is not set
    and for a line break.
    """

    def variable(match: re.Match[str]) -> str:
        allowed = _ALLOWED.fullmatch(match[1])
        if not match[2] or allowed is None:
            raise BadHttpCall(
                f"header {header}: a reference is written ${{env:{PREFIX}NAME}}, no other is resolved"
            )
        try:
            return environment[allowed[1]]
        except KeyError:
            raise BadHttpCall(f"header {header}: the worker's environment has no {allowed[1]}") from None

    # Only the manifest's text is searched for references; a variable's value is taken literally.
    expanded = _REFERENCE.sub(variable, value) if "${" in value else value
    if _CONTROL.search(expanded):
        raise BadHttpCall(f"header {header}: its value has a line break or another control character")
    return expanded
