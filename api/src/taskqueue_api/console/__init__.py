"""The web console: pages rendered from the views, live by one stream of events a page.

    pages      pages and their live parts
    templates  Jinja2 templates, with filters for hostile text
    static     pinned files (htmx, uPlot), one stylesheet, one script

May import `taskqueue.views`, `taskqueue.text` and the parts, live part, problems and sign-in of `taskqueue_api`.
"""

from taskqueue_api.console.pages import add_console

__all__ = ["add_console"]
