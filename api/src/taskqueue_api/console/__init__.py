"""The web console: pages rendered from the views, live by one stream of events a page; actions for editors.

    action        forms that ask first, and then do
    actions       the actions, one module a noun
    asked_path    the path of a request, as a URL has it
    charts        the data of charts
    fields        the bound of fields of forms and of parameters of pages
    files         the files below /static
    filters       values as a person reads them
    page          a page and its stream
    pages         the pages, one module each
    plan_curve    planned starts of a limit around now
    problem_page  errors as pages
    rendering     templates; every text is escaped and made printable
    route         the class of all routes of the console
    sign_in       sign-in and sign-out of a browser
    user_day      the day of a user as strips

templates/ holds NAME.html and NAME_live.html of each page; static/ the pinned files (vendor), one stylesheet and one
script.

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`,
`taskqueue.text`, `taskqueue.errors`, and the parts, live part, problems, segments and sign-in of `taskqueue_api`.
"""

from fastapi import FastAPI

from taskqueue_api.console import charts, sign_in
from taskqueue_api.console.actions import ROUTERS
from taskqueue_api.console.files import FILES
from taskqueue_api.console.page import add_page
from taskqueue_api.console.pages import MENU, PAGES
from taskqueue_api.console.problem_page import not_found
from taskqueue_api.console.route import new_router
from taskqueue_api.live.streams import Streams


def add_console(app: FastAPI) -> None:
    """Add pages, actions and files."""
    app.state.streams = Streams(app.state.parts.reader)
    pages = new_router()
    for page in PAGES:
        add_page(pages, page, MENU)
    for router in (pages, charts.router, sign_in.router, *ROUTERS):
        app.router.routes += router.routes
    app.router.routes.append(FILES)
    app.add_exception_handler(404, not_found)
