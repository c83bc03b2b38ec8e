"""Store: Redis, and no other package imports redis.

`connection` is the one door: it runs scripts and reads, and turns every failure into one of `errors`. Each script in
`scripts/` has one wrapper, in the module of its name if the list at the end names no other; text that several scripts
share stands in `scripts/lib/` and is put in front of a script that names it in its header.

A job is in exactly one of ready, parked, suspects and leased, and only scripts move it.
May import `taskqueue.models`, `taskqueue.plan`, `taskqueue.text` and `taskqueue.errors`.

The door:
    connection      run a script, read, wait
    script          the text of a script and its digest
    command         commands that read one key
    wire            values packed and unpacked
    errors          StoreError and its tree
    cancelled       a cancellation that the client swallowed
    keys            every key of a release
    job_name        the name of a job and its parts
    user_key        user ids, encoded
    scalars         numbers as scripts read them, and their bounds
    clock           the server's clock
    malformed       values that cannot be read, by place

The servers behind it:
    url             the URL of a store
    url_parameters  parameters of that URL
    address         a host and its port
    tls_files       certificates and keys that the URL names
    redis_client    calls on objects of redis-py
    clients         clients of redis-py for each topology
    servers         connections to one primary
    sentinel        the address of the primary

Set by manifests and by hand:
    types           task types and limits by name at one version
    named_types     some task types and limits, by their names
    type_record     the record of a task type
    limit_record    the record of a limit by name
    user_limits     values of users at limits
    users           users, written with all subscriptions, and read
    subscriptions   subscriptions of users, read
    runs            last runs of a user's subscriptions
    user_state      the declared state of one user
    user_faults     faults of users that an application writes
    generations     subscriptions dealt to a schedule
    fence           the right to write what manifests say
    install         settings of a new store
    store_id        the id of a store
    cursor          the instant up to which jobs were emitted
    subscribe       one subscription of an application's user
    limits          rate, values set by hand, closed limits
    pause           pauses of task types
    user_pauses     pauses of users
    overrides       records of pauses and limits set by hand
    suspended       subscriptions that the circuit breaker suspended

Moves jobs:
    tick            emit due jobs
    changed_limits  waiting jobs that follow limits that changed
    claim           settle results, lease jobs
    heartbeat       extend leases
    permit          slots for further calls
    enqueue         a job outside the schedule
    wakeup          wake one idle worker
    dead            dead letters
    cancel          jobs that people and applications end
    job_scan        a walk over all places that stops anywhere and goes on later
    job_places      the places of jobs, walked

Looked at:
    listing         jobs, workers, handlers
    work            backlog by lane
    audit           conservation of jobs
    history         starts and outcomes of each type, by minute
    writes          the newest writes of the API
    lookup          users by their ids
    limit_backlog   waiting jobs and closings of Release limits
    limit_names     limits of a type, and the queue of its jobs
    limit_times     when limits have a start left
    waiting         jobs by the limit that they wait for
    oldest          the oldest job of each type
    inspection      every value of a release
    families        families of keys, and the readers of their values
    repair          removal of malformed values
    retention       eviction and missing keys
    places          places of subscriptions in their windows

Wrappers of scripts with another name:
    changed_limits: follow_limits
    connection: set_aside
    dead: redrive
    fence: take_epoch
    generations: redeal
    limits: open_limit
    oldest: scan_jobs, scan_moves
    overrides: override
    suspended: follow_suspended, try_suspended
    types: catalog, put_limits, put_types
    user_pauses: end_pauses, pause_user
    users: set_users
    writes: note_write
    wakeup: pass_wakeup
"""
