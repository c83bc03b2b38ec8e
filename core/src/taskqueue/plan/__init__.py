"""Plan: a value becomes points in time here. Pure functions; `now` is an argument, never read from a clock.

    schedule   when the periods of a schedule begin (interval, cron, daylight saving time)
    spread     which offset within the window a subscription gets (golden stride)
    due        which ranges of offsets became due between two instants, catch-up after an outage
    takeover   when a changed schedule replaces the old one
    forecast   starts per second or minute of a day
    feasibility  whether the demand fits under the limits, and the cheapest change if not

May import `taskqueue.models` only.
"""
