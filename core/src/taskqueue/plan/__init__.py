"""Plan: a value becomes points in time here. Pure functions; `now` is an argument, never read from a clock.

    schedule     when the periods begin: interval, cron (its fields), daylight (saving time)
    spread       which offset within the window a subscription gets (golden stride)
    due          which ranges of offsets became due between two instants, catch-up after an outage (segment)
    replay       the same for a store that was emptied, where each type goes on from an instant of its own
    takeover     when a changed schedule replaces the old one
    forecast     starts per step of a day or an hour (load)
    worker       for how long a worker counts as alive after a heartbeat
    feasibility  whether a day's demand fits under the limits (demand, verdict), the cheapest change (remedy)

May import `taskqueue.models` only. What cannot be planned raises `errors.ScheduleError`.
"""
