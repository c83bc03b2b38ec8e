"""A second reckoning of schedules, minute by minute, written from docs/scheduling.md: it judges the plan.

It imports nothing of the product, and reads the zones of the tzdata package by itself. `line` reads a cron line, `wall`
is the clock of a zone, `starts` puts the two together, `excluded` looks for excluded time, `chance` makes up cases.
"""
