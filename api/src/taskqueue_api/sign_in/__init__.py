"""Sign-in: a caller by bearer token, by the cookie of a session, by the headers of a proxy, or of loopback.

    authentication      the caller of a request, and the dependencies of routes on callers
    caller              callers and roles
    cookies             cookies of sessions
    credentials         tokens and keys, read from a folder
    credentials_folder  the credentials in force; follows changes
    one_time_token      signs one browser in
    proxy               headers of an authenticating proxy
    throttle            slows wrong tokens

May import `taskqueue.sources`, `taskqueue.text` and the settings, problems and guard of `taskqueue_api`.
"""
