"""Text for logs, terminals and messages, safe to write wherever it came from.

    printable  escapes for control characters, within a bounded length and time
    redaction  logins, passwords and tokens hidden
    log        one JSON object, or one readable line, per event
    terminal   standard output and error of a command

May import nothing else of taskqueue.
"""
