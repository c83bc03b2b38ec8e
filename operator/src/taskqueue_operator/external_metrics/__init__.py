"""The aggregated API external.metrics.k8s.io, of one metric, for clusters without an adapter of their own.

    autoscaler -> API server (front proxy) -> server -> trust, permission -> Scaling
                                                 ^
    reconciler: Secret (certificate), APIService (caBundle), ConfigMap (whom to trust), every few seconds

`documents` and `certificates` are pure. Scheduling needs nothing of this: where a right is missing the log says which,
and everything else goes on.
"""
