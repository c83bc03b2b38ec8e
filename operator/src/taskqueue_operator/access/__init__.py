"""Access to the API server: its address, the trust in its certificate, and the operator's own credentials.

    kubeconfig   files and a pod's service account as values; a refusal for each form that is not supported
    plugin       a run of a credential plugin, as kubectl does it
    credentials  headers and TLS of each request; reads files and runs plugins again, so that replacements take effect

Knows neither objects nor requests. May import nothing else of the project.
"""
