"""The example API: a server that allows R requests a second, and knows exactly what reached it.

    python -m taskqueue.dev.example_api --port 8099 --rate 100 [--record FILE]

It stands in for an API whose limit must never be exceeded, and judges every claim about the limit: a process of its
own that shares no code with the limiter and stamps each read from a socket before parsing. Hence a bare protocol
without a framework, and no garbage collection (a pause of 50 ms would make the arrivals of 50 ms look simultaneous).

    any path       200 {}, or 429 with Retry-After: 1 if the last second, with this one, held more than R
      ?sleep_ms=20           the answer comes 20 ms later; other connections are not delayed
      X-Taskqueue-Type, -User, -Occurrence, -Attempt (or ?type=..&user=..)   labels of the recorded arrival
      X-Taskqueue-Limits: A,B (or ?limits=A,B)   the limits by name that the request takes from, besides R
    GET  /-/stats            {rate, requests, rejected, worst, per_key: {TYPE: {requests, worst}}, seconds}
    GET  /-/arrivals?from=N  JSON lines [wall_us, type, user, occurrence, attempt, path], from number N on
    POST /-/limit            {"rate": R}
    POST /-/limits           {"limits": [{"name", "key", "per_second", "burst", "within", "users"}], "slack_ms": 15}
    GET  /-/limits           {limits: [{name, requests, rejected, keys, use, worst: {key, worst_burst, early_ms}, ...}]}
    GET  /-/limits?name=A    {KEY: {requests, worst_second, worst_burst, burst, early_ms}}, the users of a User limit
    POST /-/reset            forgets all arrivals, keeps the limits

Limits by name are measured over all arrivals and refuse, with the longest wait as Retry-After, a request that comes
more than `slack_ms` too early after those that were let in. worst_burst is the most n - rate * t of any span t with
n arrivals, which the limit holds at `burst`; early_ms is the time by which the worst span was too short. A name
without a rule is only counted; a limit that is `within` another one takes from both.

Bodies are counted and dropped, except small ones under /-/. A connection has 5 s to begin and to finish a request,
and 60 s to begin the next one; of more than 1,000 the one that is idle longest is closed.

    server          the server, and its command
    connection      one connection: HTTP/1.1, time stamps, delayed answers
    answers         answers to requests that count, and under /-/
    arrivals        arrivals, counted and recorded
    rules           the limits by name, as they are told
    limits          arrivals by limit, and refusals
    limit_counts    the arrivals at one limit
    bucket          the arrivals of one key, against its rate and burst
    recent_seconds  arrivals of the last 30 s
    sliding_window  the number of events in the busiest second

May import `taskqueue.command_line`, `taskqueue.models.nesting`, `taskqueue.models.quantity`, `taskqueue.models.values`,
`taskqueue.process.stop_signals` and `taskqueue_entry`.
"""
