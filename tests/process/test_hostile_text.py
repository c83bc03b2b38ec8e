"""Text that would take over a terminal, in the output of each command: none of it gets through to a real terminal."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.enqueue import enqueue
from tests.support.manifests.folder import task_type, write
from tests.support.process.terminal import Terminal, needs_setsid
from tests.support.store.raw import raw

pytestmark = needs_setsid

#: Each stands before MARK, so that it is known where it came through.
EVIL = (
    "\x1b[31m",
    "\x1b]8;;http://x\x07",
    "\x07",
    "\x00",
    "\x08",
    "\r",
    "\x7f",
    "\x9b2J",
    "\u200b",
    "\u202e",
    "\u2028",
    "\u2066",
    "\u3164",
    "\ufeff",
    "\U000e0041",
    "e" + "\u0301" * 9,
)
MARK = "EVIL"
TEXT = "".join(evil + MARK for evil in EVIL) + "[red][/nothing]"
NAME = TEXT.replace("\x00", "").replace("/", "")  # of a file
JOB = f"{TEXT.replace('|', '')}|ada|~1|1|0"

#: Runs commands one after the other, each as `taskqueue` does.
DRIVER = """
import json, sys
from pathlib import Path
from taskqueue.cli.main import run
for command in json.loads(Path(sys.argv[1]).read_text()):
    print("=NEXT=", flush=True)
    sys.argv = ["taskqueue", *command]
    try:
        run()
    except SystemExit:
        pass
    sys.stdout.flush()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    write(folder / "good.yaml", task_type("good"))
    bad: Any = task_type(TEXT)
    bad["spec"][TEXT] = bad["spec"]["schedule"]["cron"] = TEXT
    write(folder / f"{NAME[:60]}.json", bad)
    (folder / "bad.yaml").write_text(f'"{TEXT}: [')
    (folder / b"\xff\x9b2JEVIL.yaml".decode(errors="surrogateescape")).write_text("[")
    return folder


@pytest.fixture
async def spoilt(store: Store) -> Store:
    """A store in which every text is hostile."""
    types = {"good": TaskType("good", Schedule(interval_s=60), function=TEXT)}
    await Publisher(store).publish(types, {"ada": UserSubscription("ada", (Subscription("good"),))})
    await enqueue(store, "good", "ada")
    now_ms = 1_764_000_000_000
    body = {"reason": TEXT, "failures": 1, "losses": 0, "at": now_ms, "payload": json.dumps({"a": TEXT})}
    await raw(store).hset(store.keys("dead:body"), JOB, msgspec.msgpack.encode(body))
    await raw(store).zadd(store.keys("dead"), {JOB: now_ms})
    info = msgspec.json.encode({"host": TEXT, TEXT: TEXT})
    await raw(store).hset(store.keys("workers"), TEXT, f"{now_ms}|".encode() + info)
    await raw(store).hset(store.keys("malformed"), TEXT, TEXT)
    return store


def excerpt(commands: list[list[str]], tmp_path: Path, where: dict[str, str]) -> list[str]:
    """Run commands at a terminal; return the output of each."""
    (listed := tmp_path / "commands.json").write_text(json.dumps(commands))
    with Terminal([sys.executable, "-c", DRIVER, str(listed)], where) as terminal:
        code, _ = terminal.ended()
    assert code == 0, terminal.text
    parts = terminal.shown.decode("utf-8", "surrogateescape").split("=NEXT=")[1:]
    assert len(parts) == len(commands), parts[-1]
    return parts


#: Commands that show the contents of a store.
LOOKING = (
    ["get", "types"],
    ["get", "workers"],
    ["describe", "type", TEXT],
    ["describe", "type", "good"],
    ["describe", "user", TEXT],
    ["dead", "list"],
    ["dead", "show", JOB],
    ["audit"],
)
#: Commands that repeat their arguments.
GIVEN = (
    ["validate", "FOLDER"],
    ["apply", "FOLDER"],
    ["users", "import", "FOLDER/users.csv"],
    ["users", "import", f"FOLDER/{NAME}.csv"],
    ["validate", f"FOLDER/{NAME}"],
    [TEXT],
    ["get", f"--{TEXT}"],
    ["get", "types", TEXT],
    ["get", "types", "--output", TEXT],
    ["pause", TEXT],
    ["run", "good", TEXT],
    ["dead", "show", TEXT],
    ["cursor", "set", TEXT],
    ["users", "remove", TEXT],
    ["scheduler", f"--{TEXT}"],
    ["scheduler", "--config", f"FOLDER/{NAME}"],
    ["dev", "FOLDER", f"--{TEXT}"],
    ["dev", f"FOLDER/{NAME}"],
)


def harm(text: str, command: list[str]) -> str:
    """Return the harmful part of a command's output; empty if none came through and the rest is there."""
    through = [evil for evil in EVIL if evil + MARK in text]
    if through or (MARK not in text and "***" not in text):  # what may be a password is not repeated
        return f"{command[:2]}: {through or 'nothing excerpt'}: {text[-300:]!r}"
    return ""


async def test_no_command_prints_terminal_controls(
    spoilt: Store, folder: Path, tmp_path: Path, redis_url: str, release: str
) -> None:
    (folder / "users.csv").write_text(f'userId,type\n"{TEXT}",good\nada,"{TEXT}"\n{TEXT},{TEXT},{TEXT}\n')
    commands = [[word.replace("FOLDER", str(folder)) for word in words] for words in (*LOOKING, *GIVEN)]
    where = {"TASKQUEUE_REDIS_URL": redis_url, "TASKQUEUE_RELEASE": release}
    as_json = [[*words, "-o", "json"] for words in commands[: len(LOOKING) + 1]]
    done = list(zip(excerpt(as_json, tmp_path, where), as_json, strict=True))
    assert "".join(harm(*one) for one in done) == ""
    answers = [text for text, _ in done if text.lstrip()[:1] in {"[", "{"}]
    assert len(answers) > len(LOOKING) // 2
    assert all(text.isascii() for text in answers)
    done = list(zip(excerpt(commands, tmp_path, where), commands, strict=True))
    assert "".join(harm(*one) for one in done) == ""
    shutil.rmtree(folder)
    await raw(spoilt).hdel(spoilt.keys("malformed"), TEXT)
