"""Requests as all routes of the API read them: strictly, in bounded memory, with errors that name the field.

    described      what OpenAPI says of errors and bodies
    json_body      a body of JSON
    lines          a body of NDJSON, a batch of lines at a time
    pages          pages of a list: their size and their cursor
    preconditions  ETag, If-Match and If-None-Match
    route          sign-in, query and body of a request, before its route runs

May import `taskqueue.models`, `taskqueue.sources` and the problems and sign-in of `taskqueue_api`.
"""
