"""The HTTP API and the web console: one process, which reads and writes the store of a release.

    request -> bounds -> proxy -> guard (host, origin) -> gate (sign-in, role) -> note of writes -> routes | console
    routes | console -> client | views -> store
    reader (one snapshot a second) -> live pages

    application     the app: its routes, the steps in front of them, and answers to errors
    bounded_bodies  bounds of a request's body
    connection      bounds of a connection
    console         the pages at /
    gate            sign-in and role of every request
    guard           hosts that the process answers for, origins of writes, headers of every answer
    live            the snapshot that all pages share
    main            the process
    media_type      media types of requests
    noted_writes    the list of writes
    parts           store, client and settings of one process, for its routes
    problems        errors as problem+json
    reachable       whether the store answers
    request         requests as all routes read them
    routes          the HTTP API, below /v1
    segments        names as segments of paths
    server          uvicorn in the frame of a process
    settings        settings
    sign_in         tokens, sessions, headers of a proxy; roles

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.process`, `taskqueue.store`, `taskqueue.sources`,
`taskqueue.models`, `taskqueue.command_line`, `taskqueue.text`, `taskqueue.errors` and `taskqueue_entry`.
"""
