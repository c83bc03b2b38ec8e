"""The `taskqueue` command.

    main           the command: help, signals, output, exit codes
    commands       every command by name, with its module and its line in the help
    lazy           a command that is imported when it is used
    manifests      validate, apply
    get            get types, users, jobs, workers
    describe       describe type, user
    history        history type, user
    control        run, pause, resume
    cancel         cancel
    limit          limit list, get, set, clear, open
    limit_name     names, users and rates as arguments of the limit commands
    dead           dead list, show, retry, purge
    users          users import, remove
    user_import    the import of users from a file
    plan           plan show, check
    audit          audit
    cursor         cursor get, set
    plugin         kubectl taskqueue
    operator_pod   the pod in which the plugin runs a command
    store_command  a command with an open store; its failures as one sentence and an exit code
    options        arguments and options of several commands
    progress_bar   the progress of a long command, on a terminal
    output         JSON, lines and drawings on standard output, made printable
    table          rows and details, as a table or as JSON
    failure        the sentence and the exit code of a command that fails
    remedies       remedies for a store that does not answer or refuses
    exit_codes     the exit codes
    interruption   the end of a command at a signal
    instant        instants, days and durations, read
    rate           the rate of the global limit, a number or none
    limit_lines    the verdict on each limit, as a line
    plot           a day, or the next hour, as a plot

To add a command, write a function in a module of its group, or a line in `commands`. `main` and the modules that it
imports stay free of Redis, YAML, pydantic and rich; the modules of the commands import at their top what they need.

May import `taskqueue.scheduler`, `taskqueue.process`, `taskqueue.views`, `taskqueue.sources`, `taskqueue.store`,
`taskqueue.plan`, `taskqueue.models`, `taskqueue.command_line`, `taskqueue.text` and, in `main`, `taskqueue_entry`.
"""
