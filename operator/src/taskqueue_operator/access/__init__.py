"""Access to the API server: its address, the trust in its certificate, and the operator's own credentials.

    kubeconfig files or a pod's service account -> Cluster, User -> Credentials -> headers and TLS of each request
                                                          plugin ->

- `kubeconfig`: files as values, and a refusal for each form that is not supported.
- `plugin`: runs credential plugins, as kubectl does.
- `credentials`: reads files and runs plugins again, so that replaced tokens and authorities take effect.

Imports nothing else of taskqueue or taskqueue_operator; knows neither objects nor requests.
"""
