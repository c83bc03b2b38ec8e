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
