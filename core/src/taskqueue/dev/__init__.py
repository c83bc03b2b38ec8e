"""`taskqueue dev`: the whole system on one machine, with a live view and a summary.

    main          the command and its summary
    stack         the processes of a run, started in order and stopped in reverse
    children      one process: its start, its log, its end
    allocator     jemalloc for an embedded server
    guard         a program of others, ended with `taskqueue dev`
    declarations  the kinds that a folder declares
    api_limits    the limits of the manifests, told to the API
    snapshot      the counters of store, workers and API at one moment
    limit_counts  the arrivals at each limit
    watch         snapshots until the run ends
    view          a snapshot, drawn or as a line
    limit_view    the limits of a snapshot, a line each
    summary       the counters of a run, and its verdict
    problem       the reason why a run did nothing
    complaints    the last warning in each log
    example_api   the API that a run calls, a process of its own that judges the limit

May import `taskqueue.cli`, `taskqueue.process`, `taskqueue.views`, `taskqueue.sources`, `taskqueue.store`,
`taskqueue.plan`, `taskqueue.models`, `taskqueue.command_line` and `taskqueue.text`. No package imports `dev`:
`taskqueue.cli.commands` names its commands.
"""
