"""Sign-in: a caller by bearer token, by the cookie of a session, by the headers of a proxy, or of loopback.

    caller       callers and roles, and the dependencies of routes on them
    credentials  tokens and keys in a folder, read again when they change
    sessions     the caller of a request; cookies of sessions
    throttle     slows wrong tokens

May import `taskqueue.text` and the settings, problems and guard of `taskqueue_api`.
"""
