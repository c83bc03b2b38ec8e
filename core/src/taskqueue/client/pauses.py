"""Verbs on pauses of users and types, and on subscriptions that the circuit breaker suspended."""

from taskqueue.client.arguments import check_named, milliseconds
from taskqueue.client.calls import Calls
from taskqueue.models.identity import check_type_name, check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.named_types import find_types
from taskqueue.store.pause import pause, resume
from taskqueue.store.suspended import try_suspended
from taskqueue.store.user_pauses import pause_user, resume_user


class Pauses(Calls):
    """The verbs on pauses."""

    async def pause(
        self, *, user: str | None = None, task_type: str | None = None, for_s: float | None = None
    ) -> None:
        """Pause a user of any source, or a type: no scheduled job is emitted or starts; enqueued jobs run.

        Places are kept.   for_s: the pause ends after this time; None: with `resume`. It replaces an earlier pause.
        Raises UnknownUserError for a user without subscriptions, and UnknownTypeError.
        """
        if (user is None) == (task_type is None):
            raise ValueRefusedError("user must be given, or task_type")
        for_ms = max(1, milliseconds("for_s", for_s)) if for_s is not None else 0
        if user is not None:
            check_named("user", check_user_id, user)
            async with self._turn:
                await pause_user(self._store, user, for_ms)
        if task_type is not None:
            check_named("task_type", check_type_name, task_type)
            async with self._turn:
                if task_type not in await find_types(self._store, [task_type]):
                    raise UnknownTypeError(task_type)
                await pause(self._store, task_type, for_ms)

    async def resume(self, *, user: str | None = None, task_type: str | None = None) -> bool:
        """End the pause of a user or of a type; return False if there was none.

        user and task_type: in place of a pause, let the next job of this subscription through, if the circuit breaker
        suspended it. The outcome decides whether the suspension is over.
        """
        if user is not None:
            check_named("user", check_user_id, user)
        if task_type is not None:
            check_named("task_type", check_type_name, task_type)
        async with self._turn:
            if user is None and task_type is None:
                raise ValueRefusedError("user must be given, task_type, or both")
            if task_type is None:
                return await resume_user(self._store, user or "")
            if user is None:
                return await resume(self._store, task_type)
            return await try_suspended(self._store, task_type, user) == "ok"
