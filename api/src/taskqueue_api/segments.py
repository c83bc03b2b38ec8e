"""Names as segments of paths.

Browsers and clients take the segments `.` and `..` out of a path, however they are quoted. So these names are written
behind a blank, %20, which no name has.
"""

import re
from urllib.parse import quote

_DOTS = frozenset({".", ".."})
_WRITTEN = re.compile(r"(?<=/) (?=\.{1,2}(?:/|$))")


def segment(name: str) -> str:
    """Return a name as one segment of a URL's path.

    >>> segment("auth0|5%"), segment("..")
    ('auth0%7C5%25', '%20..')
    """
    return quote(f" {name}" if name in _DOTS else name, safe="")


def read_path(path: str) -> str:
    """Return a decoded path with the names that its segments stand for.

    >>> read_path("/users/ ../pause"), read_path("/users/ada")
    ('/users/../pause', '/users/ada')
    """
    return _WRITTEN.sub("", path)
