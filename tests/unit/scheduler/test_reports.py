"""Log lines about a desired state: each finding once, when it comes up."""

from pathlib import Path

from structlog.testing import capture_logs

from taskqueue.scheduler.reports import report_desired
from taskqueue.sources.folder import FolderSource
from tests.support.manifests.folder import every, task_type, under, user, write


def test_a_name_that_is_not_in_force_is_logged_once(tmp_path: Path) -> None:
    source = FolderSource(tmp_path)
    write(tmp_path / "a.yaml", under(task_type("sync"), "gone"), user("ada", "lost"))
    first = source.refresh()
    with capture_logs() as logs:
        report_desired(first, None)
    assert [(one["event"], one["reason"]) for one in logs] == [
        ("subscription waits for its type", "ada: nothing declares the task type lost"),
        ("named limit not in force", "TaskType sync: nothing declares the RateLimit gone"),
    ]
    write(tmp_path / "b.yaml", under(task_type("send"), "other"))
    with capture_logs() as logs:
        report_desired(source.refresh(), first)
    assert [one["limit"] for one in logs] == ["other"]


def test_an_interval_that_is_not_offered_is_logged_once(tmp_path: Path) -> None:
    source = FolderSource(tmp_path)
    write(
        tmp_path / "a.yaml", task_type("sync"), *(every("7m", user(name, "sync")) for name in ("ada", "bob"))
    )
    first = source.refresh()
    with capture_logs() as logs:
        report_desired(first, None)
    reason = (
        "ada and 1 more: interval must be 5m, which the task type sync offers "
        '(was "7m"), so the task runs every 5m'
    )
    assert [(one["event"], one["type"], one["reason"]) for one in logs] == [
        ("interval not offered", "sync", reason)
    ]
    write(tmp_path / "b.yaml", every("8m", user("eve", "sync")), every("5m", user("zoe", "sync")))
    with capture_logs() as logs:
        report_desired(source.refresh(), first)
    assert ["8m" in one["reason"] for one in logs] == [True]
