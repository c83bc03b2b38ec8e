"""/v1/users: users, one or a page at a time; bulk_users writes all of them."""

from typing import Annotated

from fastapi import Body, Response

from taskqueue.models.user_subscription import UserSubscriptionSpec
from taskqueue.sources.user_rows import read_user as read_spec
from taskqueue.store.errors import UnknownUserError
from taskqueue.views.user_detail import UserDetail, read_user_detail
from taskqueue.views.user_history import UserHistory, read_user_history
from taskqueue.views.users import UserRow
from taskqueue.views.users import list_users as read_page
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import invalid_field
from taskqueue_api.request.description import etag, problems
from taskqueue_api.request.pages import After, Limit, Page, page, position_of
from taskqueue_api.request.paths import UserPath
from taskqueue_api.request.pause import WITHOUT_END, PauseSpec
from taskqueue_api.request.preconditions import UsedPrecondition, quoted
from taskqueue_api.request.route import new_router
from taskqueue_api.routes.user_answers import UserAnswer, UserWritten, user_answer, user_written

router = new_router("users")

_EXAMPLE = {"timeZone": "Europe/Berlin", "tasks": [{"type": "fetch-orders", "interval": "5m"}]}
_WRITES = problems(
    {
        409: "The user is of another source, which the problem names: change the user there.",
        412: "The user is not in the state that If-Match or If-None-Match names.",
    }
)


@router.get("")
async def list_users(parts: UsedParts, limit: Limit = 100, after: After = "") -> Page[UserRow]:
    """List users of all sources, a page at a time, in the order of the store.

    A user that is added or removed meanwhile may be missing, or come twice.
    """
    found = await read_page(parts.store, limit, position_of(after))
    return page(found.users, found.after)


@router.get("/{user}", responses={200: etag("The user.")})
async def read_user(parts: UsedParts, user: UserPath, response: Response) -> UserAnswer:
    """Read a user as their source declares them.

    Params are shown by their names, unless the setting show_params is on.
    """
    state = await parts.client.read_user(user)
    if state is None:
        raise UnknownUserError(user)
    response.headers["ETag"] = quoted(state.etag)
    return user_answer(state, parts.settings)


@router.put(
    "/{user}",
    responses={
        200: etag("The user is as given."),
        201: {"model": UserWritten, **etag("The user is new.")},
        **_WRITES,
    },
)
async def put_user(
    parts: UsedParts,
    user: UserPath,
    spec: Annotated[UserSubscriptionSpec, Body(examples=[_EXAMPLE])],
    precondition: UsedPrecondition,
    response: Response,
) -> UserWritten:
    """Replace all that is declared of a user: the body is the spec of a UserSubscription.

    Tasks of the same type as before keep their places. A user that is as given already is not written.
    """
    wanted = read_spec({"userId": user} | spec.model_dump(by_alias=True, exclude_unset=True))
    if wanted.user_id != user:
        raise invalid_field("userId", f"remove userId: the path names the user {user}")
    if not wanted.tasks:
        raise invalid_field("tasks", "add a task: DELETE removes a user")
    change = await parts.client.replace_user(
        user,
        wanted.tasks,
        time_zone=wanted.time_zone,
        limits=wanted.limits,
        suspend=wanted.suspend,
        if_match=precondition.if_match,
        only_new=precondition.only_new,
    )
    response.headers["ETag"] = quoted(change.state.etag)
    response.status_code = 201 if change.effect == "created" else 200
    return user_written(change)


@router.delete("/{user}", status_code=204, responses=_WRITES)
async def delete_user(parts: UsedParts, user: UserPath, precondition: UsedPrecondition) -> None:
    """End all subscriptions of a user; harmless for a user without any."""
    if precondition.only_new:
        raise invalid_field("If-None-Match", "remove If-None-Match: it is for PUT")
    await parts.client.remove_user(user, if_match=precondition.if_match)


@router.get("/{user}/waiting")
async def read_waiting(parts: UsedParts, user: UserPath) -> UserDetail:
    """Read when the subscriptions of a user run next, and why jobs of the user wait.

    While more than 2,000 jobs wait, those outside the schedule are not looked for, and `onlyScheduled` is true.
    """
    return await read_user_detail(parts.store, user)


@router.get("/{user}/history")
async def read_user_runs(parts: UsedParts, user: UserPath, limit: Limit = 100) -> UserHistory:
    """Read the runs of a user that were planned for the last 24 hours, and for the next, each with its state.

    Of more than `limit` runs each type has those nearest to now; types with few runs keep all of them.
    """
    return await read_user_history(parts.store, user, limit)


@router.put("/{user}/pause", status_code=204)
async def pause_user(parts: UsedParts, user: UserPath, pause: PauseSpec = WITHOUT_END) -> None:
    """Pause a user of any source: no scheduled job is emitted or starts; jobs that were enqueued run."""
    await parts.client.pause(user=user, for_s=pause.for_s)


@router.delete("/{user}/pause", status_code=204)
async def resume_user(parts: UsedParts, user: UserPath) -> None:
    """End the pause of a user; harmless without one."""
    await parts.client.resume(user=user)
