"""The live part: one reader a process, whose snapshot all pages share, and streams of events to any number of viewers.

    plans      plans of days
    readings   values of the store that pages share, each kept for a while
    reader     reads the store once a second while a page is open
    snapshot   values of one instant
    streams    one stream of events a page, rendered once for all of its viewers

May import `taskqueue.views`, `taskqueue.store`, `taskqueue.errors` and `taskqueue.text`.
"""
