"""The pages, one module each. A page is added here, with its templates NAME.html and NAME_live.html.

    overview  the release as a whole

May import `taskqueue.views`, `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`, and the page, filters and live
part of `taskqueue_api`.
"""

from taskqueue_api.console.pages import overview

#: Entries of the menu, in their order.
MENU = (overview.PAGE,)
PAGES = (*MENU,)
