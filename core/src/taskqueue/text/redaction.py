"""Logins, passwords and tokens in a text, replaced by asterisks.

A user name is hidden together with its password: some servers accept a token as a user name.
"""

import re
import sys
import traceback
from contextlib import suppress
from types import TracebackType

HIDDEN = "***"
#: Characters that are kept of one text. Of several lines, such as a traceback, the last lines are kept too.
MAX_CHARACTERS = 8_192
_TAIL_CHARACTERS = 4_096

# Each pattern takes linear time: the part before a fixed part is bounded or cannot overlap it.
_URL_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)[^\s/?#]*@", re.IGNORECASE)
_URL_TOKEN = re.compile(
    r"(?P<key>[?&;](?:[\w-]*(?:token|key|secret|signature|passw(?:or)?d)|sig|code)=)[^\s&\"']+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9+/._~=-]+", re.IGNORECASE)
#: The beginning of a store's URL, also of one taken for a path (one slash). A password that was not encoded may hold
#: any character.
_STORE_URL = re.compile(r"\b((?:rediss?(?:\+\w{1,20})?|unix):/{1,2})", re.IGNORECASE)
#: An authority that does not end in a port: a login without its @HOST.
_NO_PORT = re.compile(r"[^\s/?#\"',\[]*:(?![0-9]{1,5}(?:[\s/?#\"',;)]|$))[^\s/?#]*")
_PASSWORD_PARAMETER = re.compile(r"[?&;]\w*passw\w*=.*", re.IGNORECASE)
#: Messages of parsers about unknown arguments.
_SURPLUS = re.compile(
    r"(?P<begin>unrecognized arguments: |unexpected extra arguments?(?:\(s\))? )(?P<words>.*)", re.DOTALL
)
_OPTION = re.compile(r"--[a-z][a-z-]*|-[a-zA-Z]")


def redact(text: str) -> str:
    """Hide the logins and tokens of a text, and cut the text to about 8,192 characters.

    >>> redact("redis://worker:s3cret@cache:6379/0 refused")
    'redis://***@cache:6379/0 refused'
    >>> redact("GET https://api.example/orders?access_token=abc&page=2")
    'GET https://api.example/orders?access_token=***&page=2'
    """
    if len(text) <= MAX_CHARACTERS:
        return _hide_secrets(text)
    # The end is kept from the beginning of a line on: half a secret could not be recognised.
    tail = text[-_TAIL_CHARACTERS:].partition("\n")[2]
    head = text[: MAX_CHARACTERS - len(tail)]
    word = head.rsplit(maxsplit=1)[-1:]
    if word and "://" in word[0]:  # its password may end behind the cut
        head = head[: head.rindex(word[0])]
    for begin in list(_STORE_URL.finditer(head, head.rfind("\n") + 1))[-1:]:  # and one with blanks in it
        head = head[: begin.end()]
    return f"{_hide_secrets(head)}... ({len(text):,} characters) ...{_hide_secrets(tail)}"


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback that ends the process, as sys.excepthook does, without logins."""
    with suppress(OSError, ValueError):
        sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def redact_usage(text: str) -> str:
    """Return an argument parser's message without the values it quotes; of a misplaced URL the scheme stays.

    >>> redact_usage("unrecognized arguments: --redis-ulr redis://:a b@cache")
    'unrecognized arguments: --redis-ulr ***'
    """
    text = _SURPLUS.sub(lambda found: found["begin"] + _options(found["words"]), text)
    return "\n".join(_STORE_URL.split(line)[0] + _cut(line) for line in text.splitlines())


def _options(surplus: str) -> str:
    """Return the names of the options among unknown arguments; any word may be half a password."""
    words = surplus.split()
    names = [name for name in (word.partition("=")[0] for word in words) if _OPTION.fullmatch(name)]
    if not names and "@" not in surplus and "://" not in surplus:
        return surplus
    return " ".join([*names, HIDDEN] if len(words) > len(names) or "=" in surplus else names)


def _cut(line: str) -> str:
    found = _STORE_URL.search(line)
    return f"{found[1]}{HIDDEN}" if found else ""


def _hide_secrets(text: str) -> str:
    if _STORE_URL.search(text):
        text = "\n".join(_hide_store_logins(line) for line in text.split("\n"))
    text = _URL_LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = _URL_TOKEN.sub(rf"\g<key>{HIDDEN}", text)
    return _BEARER.sub(rf"\g<kind> {HIDDEN}", text)


def _hide_store_logins(line: str) -> str:
    """Hide the text between the scheme of a store's URL and the last @ before the next URL."""
    before, *parts = _STORE_URL.split(line)
    shown = [before]
    for scheme, rest in zip(parts[::2], parts[1::2], strict=True):
        login, at, place = rest.rpartition("@")
        if at and _PASSWORD_PARAMETER.search(login):  # the @ may be the parameter's
            place = ""
        place = place if at else _NO_PORT.sub(HIDDEN, rest, count=1) if _NO_PORT.match(rest) else rest
        place = _PASSWORD_PARAMETER.sub(f"?{HIDDEN}", place)
        shown.append(f"{scheme}{HIDDEN}@{place}" if at and login else scheme + place)
    return "".join(shown)
