"""No login of a Redis URL is ever printed: any login, encoded or not, in any command."""

import contextlib
import io
import os
import re
import string
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import pytest
import typer
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from taskqueue.cli.dev.main import main as dev
from taskqueue.cli.main import app
from taskqueue.process.settings import load
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreUrlError
from taskqueue.store.url import parse_url
from taskqueue.text.redaction import redact
from taskqueue_operator.settings import OperatorSettings
from taskqueue_worker.settings import WorkerSettings

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
#: The host was forgotten; an @ in such a password would make what follows one.
FORGOTTEN = "redis://:{secret}"
#: Where nothing listens. Each stands for a kind of store.
FORMS = [
    "redis://{login}@127.0.0.1:1/0",
    "rediss://{login}@127.0.0.1:1/0?ssl_cert_reqs=none",
    "unix://{login}@/run/there-is-none.sock?db=1",
    "redis+sentinel://{login}@127.0.0.1:1/main/0",
    "redis+cluster://{login}@127.0.0.1:1",
    "rediss+cluster://{login}@127.0.0.1:1",
    "redis://127.0.0.1:1/0?ssl_password={secret}",
    "redis://127.0.0.1:1/0?password={secret}",
    FORGOTTEN,
    "rediss:{secret}@127.0.0.1:1",
    "http://:{secret}@127.0.0.1:1",
    "redis+proxy://:{secret}@127.0.0.1:1",
]
PARTS = [
    *(
        "redis",
        "rediss",
        "unix",
        "+sentinel",
        "+cluster",
        "://",
        ":",
        "/",
        "//",
        "@",
        ",",
        "?",
        "&",
        "=",
        "#",
        "%2F",
    ),
    *(
        "127.0.0.1",
        "[::1]",
        "cache",
        "a_b",
        "6379",
        "0",
        "-1",
        "70000",
        "1e3",
        "main",
        "ann",
        "hush",
        "/run/x.sock",
    ),
    *("db=1", "ssl_cert_reqs=none", "ssl_ca_certs=/none", "client_name=x", "foo=bar", "ssl_keyfile=/none"),
]
LOGINS = [":{secret}", "ann:{secret}", "{secret}", "{secret}:", "{secret}:x"]
#: Letters of no word that a message has; what may not be shown begins and ends with them.
BEGIN, END = "Qq7", "zZ9"
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("#/?@ %:[]&=;,'\"\\|<>{}`$!*()+~\t\n"),
        st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs"]),
        st.sampled_from(string.hexdigits),
    ),
    max_size=12,
)


class Case(NamedTuple):
    """A URL and the secret in it."""

    url: str
    secret: str
    encoded: bool = False


@st.composite
def cases(draw: st.DrawFn) -> Case:
    secret, form = f"{BEGIN}{draw(NASTY)}{END}", draw(st.sampled_from(FORMS))
    encoded = draw(st.booleans()) or form == FORGOTTEN
    written = quote(secret, safe="") if encoded else secret
    login = draw(st.sampled_from(LOGINS)).replace("{secret}", written)
    return Case(form.replace("{login}", login).replace("{secret}", written), secret, encoded)


def _commands() -> list[list[str]]:
    group = cast("Any", typer.main.get_command(app))
    found = []
    for name, command in group.commands.items():
        for verb, one in getattr(command, "commands", {"": command}).items():
            if any(param.name == "redis" for param in one.params):
                needed = ["x" for param in one.params if param.required]
                found.append([name, *([verb] if verb else []), *needed])
    return found


COMMANDS = _commands()


def _of_the_command_line(command: list[str]) -> Callable[[str], str]:
    def run(url: str) -> str:
        shown = ""
        for arguments in (
            ["--redis-url", url],
            ["--redis", url],
            [url],
            [f"--redis-url={url}", url, *url.split()],
        ):
            shown += CliRunner().invoke(app, [*command, *arguments], catch_exceptions=False).output
        return (
            shown
            + CliRunner()
            .invoke(app, command, env={"TASKQUEUE_REDIS_URL": url}, catch_exceptions=False)
            .output
        )

    return run


def _of_settings(settings_class: Any) -> Callable[[str], str]:
    def run(url: str) -> str:
        shown = io.StringIO()
        for arguments in (
            ["--redis-url", url],
            ["--redis", url],
            [url],
            ["--sentinel-pass", url, *url.split()],
        ):
            with contextlib.redirect_stderr(shown), contextlib.suppress(SystemExit):
                made = load(settings_class, arguments, "taskqueue")
                shown.write(f"{made!r} {made} {made.redis_url} {made.model_dump()} {made.model_dump_json()}")
        try:
            settings_class(redis_url=url)
        except ValidationError as error:
            shown.write(f"{error} {error!r} {error.json(include_input=False)}")
        return shown.getvalue()

    return run


def _dev(url: str) -> str:
    shown = io.StringIO()
    streams = (contextlib.redirect_stderr(shown), contextlib.redirect_stdout(shown))
    for arguments in (["--redis-url", url], ["--redis", url], [url, url]):
        with streams[0], streams[1], contextlib.suppress(SystemExit, typer.Exit):
            dev([".", *arguments])
    return shown.getvalue()


SHOWN: dict[str, Callable[[str], str]] = {
    **{" ".join(command): _of_the_command_line(command) for command in COMMANDS},
    **{one.__name__: _of_settings(one) for one in (SchedulerSettings, WorkerSettings, OperatorSettings)},
    "dev": _dev,
    "redact": lambda url: redact(f"ConnectionError: {url} refused") + redact("x" * 9_000 + url),
}


def is_shown(secret: str, text: str) -> bool:
    return any(word in text for word in (BEGIN, END, secret, quote(secret, safe="")))


@settings(max_examples=EXAMPLES, deadline=None)
@given(case=cases())
def test_a_url_is_read_whole_or_refused_and_shown_by_neither(case: Case) -> None:
    try:
        parsed = parse_url(case.url)
    except StoreUrlError as error:
        shown = f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    else:
        shown = f"{parsed} {parsed!r}"
        assert parsed.hosts in {(("127.0.0.1", 1),), ()}
        assert not case.encoded or case.secret in {parsed.password, parsed.username}
    assert not is_shown(case.secret, shown)


@settings(max_examples=EXAMPLES, deadline=None)
@given(text=st.lists(st.sampled_from(PARTS) | NASTY, max_size=12).map("".join))
def test_any_text_is_a_url_or_refused_in_words(text: str) -> None:
    try:
        open_store(text)
    except StoreUrlError as error:
        refusal = error.detail
    else:
        refusal = "none"
        assert str(parse_url(text)).partition("://")[0] == text.partition("://")[0].lower()
    assert refusal
    assert "Error" not in refusal


@pytest.mark.parametrize("command", SHOWN)
@pytest.mark.parametrize("url", ["redis://:57#Qq7Wc903zzZ9@host/0", "redis://:57 Qq7 a zZ9@127.0.0.1:1"])
def test_no_command_prints_an_unencoded_login(command: str, url: str) -> None:
    assert not is_shown("Wc903", SHOWN[command](url))


@settings(max_examples=max(30, EXAMPLES // 50), deadline=None)
@given(case=cases(), command=st.sampled_from(list(SHOWN)))
def test_no_command_shows_a_login(command: str, case: Case) -> None:
    # As the path of a folder, or in somebody else's text, only what has the form of such a URL is known as one.
    is_text = command in {"redact", "plan show", "plan check"}
    assume(not is_text or (re.match(r"(rediss?(\+\w+)?|unix)://", case.url) and "\n" not in case.url))
    assert not is_shown(case.secret, SHOWN[command](case.url))
