"""Templates: every text is escaped, and made printable, wherever it stands."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from taskqueue_api.console.filters import FILTERS, finalize

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


def render(template: str, **context: Any) -> str:
    """Return the HTML of a template."""
    return _environment().get_template(template).render(context)


@cache
def static_url(name: str) -> str:
    """Return the URL of a file, which changes with its content, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.globals["static_url"] = static_url
    return made
