"""The aggregated API external.metrics.k8s.io with one metric, for clusters without a metrics adapter.

    autoscaler -> API server (front proxy) -> server -> front_proxy, permission -> Scaling
                                                 ^
    reconciler: Secret (certificate), APIService (caBundle), ConfigMap (trusted front proxy), every few seconds

- `composition`: connects the parts below.
- `server`, `tls`, `front_proxy`, `permission`: HTTPS, the client's certificate, the caller, and the caller's rights.
- `documents`, `certificates`: answers and certificates as values; pure.
- `reconciler`, `certificate_secret`, `api_service`: keep the certificate and the trust in it current.
- `withdrawal`: removes the APIService before its namespace is deleted.

Scheduling does not depend on this package: a missing right is logged by name, and everything else continues.
"""
