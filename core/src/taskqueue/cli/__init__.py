"""The `taskqueue` command, for people and for scripts.

A file is a group of commands; a command reads or writes through the store's typed wrappers and shows the
answer as a table or as JSON. `store_command` opens the store and turns what can go wrong into one sentence
and an exit code (`exit_codes`), `output` prints, `interruption` ends a command at a signal. Nothing here
decides what is true: that is the store's and the plan's.

May import everything else of taskqueue. Only typer is imported at start; whatever is slow to import (Redis,
YAML, rich, plotext) is imported by the command that needs it, so that `taskqueue --help` and completion
answer at once.
"""
