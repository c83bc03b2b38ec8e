{{/* What values.schema.json cannot refuse in words that help. Each message names the value and says what to write. */}}
{{- define "taskqueue.validate" -}}
{{- include "taskqueue.validateNumbers" . -}}
{{- include "taskqueue.validateStore" . -}}
{{- include "taskqueue.validateScaling" . -}}
{{- include "taskqueue.validateImages" . -}}
{{- range $component := list "operator" "worker" -}}
{{- include "taskqueue.validatePod" (dict "name" $component "part" (get $.Values $component)) -}}
{{- end -}}
{{- if and .Values.release (not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" .Values.release)) -}}
{{- fail (printf "release: write letters, digits and . _ - only, at most 63, and not %q" .Values.release) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" (include "taskqueue.fullname" .)) -}}
{{- fail (printf "fullnameOverride: write small letters, digits and - only, beginning with a letter: a Service cannot be called %q" (include "taskqueue.fullname" .)) -}}
{{- end -}}
{{- if not (kindIs "invalid" .Values.rate) -}}
{{- if le (float64 .Values.rate) 0.0 -}}
{{- fail (printf "rate: write a number above 0, and not %v; `taskqueue pause` stops a task type" .Values.rate) -}}
{{- else if lt (float64 .Values.rate) 0.000001 -}}
{{- fail (printf "rate: write at least 0.000001, and not %v: the operator takes no less" .Values.rate) -}}
{{- end -}}
{{- end -}}
{{- $needed := addf (float64 .Values.worker.graceSeconds) 6 -}}
{{- if lt (float64 .Values.worker.terminationGracePeriodSeconds) $needed -}}
{{- fail (printf "worker.terminationGracePeriodSeconds: write at least %v, which is worker.graceSeconds + 6, and not %v: Kubernetes would kill jobs that are being returned" $needed .Values.worker.terminationGracePeriodSeconds) -}}
{{- end -}}
{{- if eq (include "taskqueue.operatorAccount" .) (include "taskqueue.workerAccount" .) -}}
{{- fail "worker.serviceAccount.name: write another one than the operator's: workers need no rights" -}}
{{- end -}}
{{- range concat .Values.networkPolicy.worker.deniedCIDRs .Values.networkPolicy.worker.apiServerCIDRs -}}
{{- if not (regexMatch "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}/([1-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]*:[0-9a-fA-F:]*/([1-9][0-9]?|1[01][0-9]|12[0-8]))$" .) -}}
{{- fail (printf "networkPolicy.worker: write address ranges such as 10.0.0.0/8, and not %q" .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $labels := dict
  "commonLabels" .Values.commonLabels
  "operator.podLabels" .Values.operator.podLabels
  "worker.podLabels" .Values.worker.podLabels
  "monitoring.monitors.labels" .Values.monitoring.monitors.labels
  "monitoring.rules.labels" .Values.monitoring.rules.labels
  "monitoring.dashboard.labels" .Values.monitoring.dashboard.labels -}}
{{- range $label, $_ := $labels -}}
{{- if or (hasPrefix "app.kubernetes.io/" $label) (hasPrefix "helm.sh/" $label) -}}
{{- fail (printf "%s: leave %s out: the chart sets the labels of app.kubernetes.io and helm.sh" $name $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.cli.role.subjects (not .Values.cli.role.create) -}}
{{- fail "cli.role.subjects: there is no Role to give them; also write cli.role.create: true" -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validateStore" -}}
{{- $redis := .Values.redis -}}
{{- $secret := $redis.existingSecret -}}
{{- $external := or $secret.name $redis.host -}}
{{- if and (not $external) (not $redis.development.enabled) -}}
{{- fail "redis: say where the store is: redis.existingSecret.name names a Secret whose key `url` holds its URL; for a try-out, redis.development.enabled=true starts a small one" -}}
{{- end -}}
{{- if and $external $redis.development.enabled -}}
{{- fail "redis.development.enabled: there is a Redis already, by redis.existingSecret.name or redis.host; keep one of the two" -}}
{{- end -}}
{{- if and (or $secret.usernameKey $secret.passwordKey) (not $redis.host) -}}
{{- fail "redis.existingSecret.usernameKey and passwordKey: they go with redis.host; a URL holds both already" -}}
{{- end -}}
{{- if and (or $secret.usernameKey $secret.passwordKey) (not $secret.name) -}}
{{- fail "redis.existingSecret.name: write the name of the Secret that has usernameKey and passwordKey" -}}
{{- end -}}
{{- if and $secret.usernameKey (not $secret.passwordKey) -}}
{{- fail "redis.existingSecret.passwordKey: Redis takes no user without a password; write the key that holds it" -}}
{{- end -}}
{{- if and $secret.name $redis.host (not $secret.passwordKey) -}}
{{- fail "redis.host: with redis.existingSecret.name also write redis.existingSecret.passwordKey, or leave redis.host out and let the Secret hold a URL" -}}
{{- end -}}
{{- if not (regexMatch "^(([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)?$" $redis.host) -}}
{{- fail (printf "redis.host: write a name or an IPv4 address alone, and not %q: redis.port, redis.database and redis.tls.enabled say the rest; for IPv6 let the Secret hold a URL" $redis.host) -}}
{{- end -}}
{{- if and $redis.tls.enabled (not $redis.host) -}}
{{- fail "redis.tls.enabled: it goes with redis.host; a URL says rediss:// for TLS" -}}
{{- end -}}
{{- if and $redis.tls.caSecret.name $redis.host (not $redis.tls.enabled) -}}
{{- fail "redis.tls.caSecret.name: without TLS there is no certificate to check; also write redis.tls.enabled: true" -}}
{{- end -}}
{{- if and $redis.tls.caSecret.name $redis.development.enabled -}}
{{- fail "redis.tls.caSecret.name: the development Redis speaks no TLS; leave it out" -}}
{{- end -}}
{{- if not (regexMatch "^[1-9][0-9]*(kb|mb|gb)?$" (include "taskqueue.quantity" $redis.development.maxMemory)) -}}
{{- fail (printf "redis.development.maxMemory: write a number and kb, mb or gb, such as 256mb, and not %q" (toString $redis.development.maxMemory)) -}}
{{- end -}}
{{- if and $secret.name (eq $secret.name .Values.worker.handlersEnv.existingSecret) -}}
{{- fail "worker.handlersEnv.existingSecret: write another Secret than that of Redis: a TaskType could send Redis' password away in a header" -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validateScaling" -}}
{{- with .Values.autoscaling -}}
{{- if and (eq (float64 .minReplicas) 0.0) (ne .mode "keda") (ne .mode "none") -}}
{{- fail (printf "autoscaling.minReplicas: write 1 or more with mode %s: only keda starts a worker where there is none" .mode) -}}
{{- end -}}
{{- if gt (float64 .minReplicas) (float64 .maxReplicas) -}}
{{- fail (printf "autoscaling.maxReplicas: write at least autoscaling.minReplicas, which is %v, and not %v" .minReplicas .maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validatePod" -}}
{{- $own := dict
  "TASKQUEUE_REDIS_URL" "redis"
  "TASKQUEUE_RELEASE" "release"
  "TASKQUEUE_LOG_LEVEL" "log.level"
  "TASKQUEUE_LOG_FORMAT" "log.format"
  "TASKQUEUE_HEALTH_HOST" "bindAddress"
  "TASKQUEUE_HEALTH_PORT" "the ports of the chart, which are fixed"
  "TASKQUEUE_NAMESPACE" "the namespace of the release"
  "TASKQUEUE_RATE" "rate"
  "TASKQUEUE_LEASE_DURATION" "operator.leaseDurationSeconds"
  "TASKQUEUE_LEASE_NAME" "the Lease of the shipped Role, which is fixed"
  "TASKQUEUE_MAX_BACKLOG" "operator.maxBacklog"
  "TASKQUEUE_WORKER_CONCURRENCY" "worker.concurrency"
  "TASKQUEUE_SCALE_DRAIN" "autoscaling.drainSeconds"
  "TASKQUEUE_EXTERNAL_METRICS_PORT" "autoscaling.mode"
  "TASKQUEUE_EXTERNAL_METRICS_SERVICE" "autoscaling.mode"
  "TASKQUEUE_EXTERNAL_METRICS_SECRET" "autoscaling.mode"
  "TASKQUEUE_CONCURRENCY" "worker.concurrency"
  "TASKQUEUE_THREADS" "worker.threads"
  "TASKQUEUE_LEASE" "worker.leaseSeconds"
  "TASKQUEUE_GRACE" "worker.graceSeconds"
  "TASKQUEUE_HANDLERS" "worker.handlers"
  "REDIS_USERNAME" "redis.existingSecret.usernameKey"
  "REDIS_PASSWORD" "redis.existingSecret.passwordKey" -}}
{{- $name := .name -}}
{{- range .part.extraEnv -}}
{{- if hasKey $own .name -}}
{{- fail (printf "%s.extraEnv: leave %s out: %s says it" $name .name (get $own .name)) -}}
{{- end -}}
{{- end -}}
{{- range .part.volumes -}}
{{- if has .name (list "tmp" "redis-ca") -}}
{{- fail (printf "%s.volumes: give %s another name: the chart has a volume of that name" $name .name) -}}
{{- end -}}
{{- end -}}
{{- range .part.volumeMounts -}}
{{- if has .mountPath (list "/tmp" "/etc/taskqueue/redis") -}}
{{- fail (printf "%s.volumeMounts: mount %s elsewhere than at %s, where the chart mounts" $name .name .mountPath) -}}
{{- end -}}
{{- end -}}
{{- if and (not .part.serviceAccount.create) (not .part.serviceAccount.name) -}}
{{- fail (printf "%s.serviceAccount.name: with create: false, write the name of one that exists" $name) -}}
{{- end -}}
{{- end -}}
