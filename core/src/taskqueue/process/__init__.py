"""A process of the system: the frame that runs it, its settings, its probes, its end.

    frame              the frame that runs scheduler, worker and operator: start, end, exit code
    event_loop         an event loop that user code cannot end
    cancellation       cancellation that user code asks for
    installed_signals  handlers of the stop signals, kept in force
    settings           flags, environment and file, in this order of precedence
    settings_file      the YAML file of settings
    health             /livez, /readyz and /metrics
    backoff            waits between attempts at a server that does not answer
    progress           the progress of a loop, for /livez
    stop_signals       SIGTERM and SIGINT, from the first line of a process to its last
    standard_streams   standard input, output and error that the process was started without
    parent             the end of a process with its parent
    parent_watch       the thread that waits for the end of the parent
    open_files         the limit of open files
    threads            threads that outlive the work
    retention          the eviction policy of Redis, watched
    malformed_values   values in the store that were skipped, counted

May import `taskqueue.sources`, `taskqueue.store`, `taskqueue.models`, `taskqueue.bounded_http`,
`taskqueue.command_line` and `taskqueue.text`.
"""
