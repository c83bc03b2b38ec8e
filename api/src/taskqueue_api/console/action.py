"""Actions: a form asks first, with the change that it would make, and then does it.

    form --GET--> question, in the dialog of the page --POST--> notice

Without scripts both answers are pages of their own.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.refusal import ValueRefusedError
from taskqueue_api.console.asked_path import asked_path
from taskqueue_api.console.fields import check_lengths
from taskqueue_api.console.rendering import render
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import Parts, UsedParts
from taskqueue_api.problems import invalid_field
from taskqueue_api.sign_in.authentication import Editor

#: An action asks by GET, and acts by POST.
METHODS = ["GET", "POST"]
_MAX_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Action:
    """A form that an editor has sent.   fields: its values, `confirmed` among them once the question was answered."""

    parts: Parts
    request: Request
    fields: dict[str, str]

    @property
    def path(self) -> str:
        """Return the path that the question's form goes to."""
        return asked_path(self.request)

    @property
    def is_confirmed(self) -> bool:
        """Tell whether the question was answered."""
        return self.request.method == "POST" and self.fields.get("confirmed") == "yes"

    @property
    def is_swapped(self) -> bool:
        """Tell whether the answer goes into a page."""
        return "hx-request" in self.request.headers

    def field(self, name: str) -> str:
        """Return a value. Raises ProblemError where it is missing."""
        value = self.fields.get(name, "").strip()
        if not value:
            raise invalid_field(name, "must be given")
        return value

    def duration_ms(self, name: str) -> int | None:
        """Return a duration; None where it is left out. Raises ProblemError."""
        value = self.fields.get(name, "").strip()
        try:
            return parse_positive_ms(value) if value else None
        except ValueRefusedError as error:
            raise invalid_field(name, str(error)) from error

    def ask(self, title: str, text: str, button: str, *, is_grave: bool = False) -> Response:
        """Return the question.   is_grave: the action loses something, or allows more than a manifest says."""
        context = {"title": title, "text": text, "button": button, "is_grave": is_grave, "action": self}
        return HTMLResponse(render("question.html" if self.is_swapped else "question_page.html", **context))

    def done(self, message: str) -> Response:
        """Return the notice that the action is done."""
        note(self.request, message)
        template = "notice.html" if self.is_swapped else "notice_page.html"
        return HTMLResponse(render(template, message=message, problem=None))


async def _action(request: Request, parts: UsedParts, _: Editor) -> Action:
    if request.method == "GET":
        fields = dict(request.query_params)
    else:
        async with request.form(max_files=0, max_fields=_MAX_FIELDS) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
    check_lengths(fields)
    return Action(parts, request, fields)


UsedAction = Annotated[Action, Depends(_action)]
