"""The live part: one reader a process, whose snapshot all pages share.

    reader    reads the store once a second while somebody looks
    snapshot  values of one instant

May import `taskqueue.views`, `taskqueue.store` and `taskqueue.text`.
"""
