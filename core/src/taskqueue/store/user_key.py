"""User ids in keys, fields, members and names of jobs: encoded where they enter the store, decoded where they leave it.

Letters, digits and ._~@+- stay, so that most ids are stored as they are. Everything else is encoded as in a URL: no id
holds what separates the parts of a name ("|", ":"), a blank, or what a search takes for a pattern. Scripts compare and
join encoded ids, and never decode one. Outside of this package the encoded form shows in names of jobs and keys alone.
"""

import re
from urllib.parse import quote, unquote

from taskqueue.models.identity import MAX_USER_ID_CHARACTERS, is_user_id

_PLAIN = rf"[A-Za-z0-9._~@+-]{{1,{MAX_USER_ID_CHARACTERS}}}"
#: Pattern of an encoded id, for names that contain one; read_user alone is exact.
ENCODED = rf"(?:[A-Za-z0-9._~@+-]|%[2-7][0-9A-F]){{1,{MAX_USER_ID_CHARACTERS}}}"

_is_plain = re.compile(_PLAIN).fullmatch


def escape_user(user: str) -> str:
    """Return a user's id as the store holds it. Text that is no id is encoded, too, and found nowhere.

    >>> escape_user("ada@example.com"), escape_user("auth0|5f7c"), escape_user("50%")
    ('ada@example.com', 'auth0%7C5f7c', '50%25')
    """
    return user if _is_plain(user) else quote(user, safe="@+", errors="surrogatepass")


def read_user(stored: str) -> str:
    """Return the id of a user whom the store holds. Raises ValueError for text that escape_user does not write.

    >>> read_user("ada@example.com"), read_user("auth0%7C5f7c")
    ('ada@example.com', 'auth0|5f7c')
    """
    if _is_plain(stored):
        return stored
    user = unquote(stored)
    if escape_user(user) != stored or not is_user_id(user):
        raise ValueError(stored)
    return user


def try_read_user(stored: str) -> str:
    """Return the id of a user, for people; text that is no encoded id stays as it is."""
    try:
        return read_user(stored)
    except ValueError:
        return stored


def escape_limit(limit: str) -> str:
    """Return the name of a limit (global, NAME, NAME|USER, type:TYPE) as the store holds it.

    >>> escape_limit("shop|auth0|5f7c"), escape_limit("type:sync")
    ('shop|auth0%7C5f7c', 'type:sync')
    """
    name, bar, user = limit.partition("|")
    return f"{name}|{escape_user(user)}" if bar else limit


def read_limit_name(stored: str) -> str:
    """Return the name of a limit, for people.

    >>> read_limit_name("shop|auth0%7C5f7c"), read_limit_name("type:sync")
    ('shop|auth0|5f7c', 'type:sync')
    """
    name, bar, user = stored.partition("|")
    return f"{name}|{try_read_user(user)}" if bar else stored
