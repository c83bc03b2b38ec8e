"""Requests as all routes of the API read them: strictly, in bounded memory, with errors that name the field.

    description    descriptions of answers and bodies for OpenAPI
    json_body      a body of JSON
    line_faults    faults of lines of a body
    lines          a body of NDJSON, line by line
    pages          pages of a list: their size and their cursor
    params         params in answers
    paths          names in paths
    pause          the body that pauses a user or a type
    preconditions  ETag, If-Match and If-None-Match
    route          the class of all routes

May import `taskqueue.views`, `taskqueue.models`, `taskqueue.sources`, and media types, problems and settings of
`taskqueue_api`.
"""
