"""The aggregated API external.metrics.k8s.io with one metric, for clusters without a metrics adapter.

    autoscaler -> API server (front proxy) -> server -> front_proxy, permission -> Scaling
                                                 ^
    reconciler: Secret (certificate), APIService (caBundle), ConfigMap (trusted front proxy), every few seconds

    entry, composition               imports the parts below where the API is served, and connects them
    server, tls                      the HTTPS server, and its contexts
    front_proxy, permission          the caller of a request, and its right to read the metric
    documents, certificates          answers and certificates as values; pure
    certificate_secret, api_service  the Secret with the certificate, and the APIService that trusts it
    reconciler                       keeps the certificate and the trust in it current
    withdrawal                       removes the APIService before its namespace is deleted

Scheduling does not depend on this package: a missing right is logged by name, and everything else continues.

May import `connection`, `metrics`, `scaling`, `settings`, and of the core `taskqueue.bounded_http`, `taskqueue.models`
and `taskqueue.store`.
"""
