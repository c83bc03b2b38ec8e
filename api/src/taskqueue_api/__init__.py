"""The HTTP API and the web console: one process, which reads and writes the store of a release.

    request -> guard (host, headers) -> sign_in (role) -> routes | console -> client | views -> store
    reader (one snapshot a second) -> live pages

    application  the app: its routes, guard and answers to errors
    console      the pages at /
    guard        hosts that the process answers for, origins of writes, headers of every answer
    live         the snapshot that all pages share
    main         the process
    parts        store, client and settings of one process, for its routes
    problems     errors as problem+json
    routes       the HTTP API, below /v1
    server       uvicorn in the frame of a process
    settings     settings
    sign_in      tokens, sessions, headers of a proxy; roles

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.process`, `taskqueue.store`, `taskqueue.models`,
`taskqueue.command_line`, `taskqueue.text` and `taskqueue.errors`.
"""
