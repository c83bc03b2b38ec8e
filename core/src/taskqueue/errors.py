"""The root of all errors that taskqueue raises to applications.

    TaskqueueError
      store.errors.StoreError            a call of the store; StoreFailure: with unknown effect
      handlers.errors.HandlersError      handlers at start-up
      models.refusal.*RefusedError       a value or a manifest (also ValueError)
      plan.errors.ScheduleError          a schedule (also ValueError)
      scheduler.errors.SchedulerError    a scheduler
      views.errors.ViewError             nothing of the name that was asked for
      sources.*RefusedError              a file (also ValueError)

May import nothing of taskqueue.
"""


class TaskqueueError(Exception):
    """An error of taskqueue; its text is written for people."""


def with_detail(sentence: str, detail: str) -> str:
    """Return a sentence with its detail, which is a name, words of a server, or sentences that end with a full stop.

    >>> with_detail("There is no such user.", "bob"), with_detail("The URL cannot be used.", "Its host is missing.")
    ('There is no such user: bob', 'The URL cannot be used. Its host is missing.')
    >>> with_detail("The store refused: correct the password.", "WRONGPASS"), with_detail("The store failed.", "")
    ('The store refused: correct the password (WRONGPASS)', 'The store failed.')
    """
    if not detail or detail.endswith("."):
        return f"{sentence} {detail}".strip()
    begin = sentence.removesuffix(".")
    return f"{begin} ({detail})" if ": " in begin else f"{begin}: {detail}"
