{{/* Refusals that values.schema.json cannot word. Each message names the value and its remedy. */}}
{{- define "taskqueue.validate" -}}
{{- include "taskqueue.validateNumbers" . -}}
{{- include "taskqueue.validateStore" . -}}
{{- include "taskqueue.validateScaling" . -}}
{{- include "taskqueue.validateImages" . -}}
{{- include "taskqueue.validateConsole" . -}}
{{- range $component := list "operator" "worker" "console" -}}
{{- include "taskqueue.validatePod" (dict "name" $component "part" (get $.Values $component)) -}}
{{- end -}}
{{- if and .Values.release (not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" .Values.release)) -}}
{{- fail (printf "release must be at most 63 letters, digits, dots, dashes and underscores (was %q)" .Values.release) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" (include "taskqueue.fullname" .)) -}}
{{- fail (printf "fullnameOverride must be lower case letters, digits and dashes, the first a letter (was %q): it is the name of a Service" (include "taskqueue.fullname" .)) -}}
{{- end -}}
{{- if not (has .Values.rate (list nil "none")) -}}
{{- if le (float64 .Values.rate) 0.0 -}}
{{- fail (printf "rate must be above 0 (was %v); `taskqueue pause` stops a task type" .Values.rate) -}}
{{- else if lt (float64 .Values.rate) 0.000001 -}}
{{- fail (printf "rate must be at least 0.000001 (was %v)" .Values.rate) -}}
{{- end -}}
{{- end -}}
{{- $needed := addf (float64 .Values.worker.graceSeconds) 6 -}}
{{- if lt (float64 .Values.worker.terminationGracePeriodSeconds) $needed -}}
{{- fail (printf "worker.terminationGracePeriodSeconds must be at least %v, which is worker.graceSeconds + 6 (was %v): Kubernetes would kill jobs that are being returned" $needed .Values.worker.terminationGracePeriodSeconds) -}}
{{- end -}}
{{- if eq (include "taskqueue.operatorAccount" .) (include "taskqueue.workerAccount" .) -}}
{{- fail "worker.serviceAccount.name must differ from the operator's: workers need no rights" -}}
{{- end -}}
{{- range concat .Values.networkPolicy.worker.deniedCIDRs .Values.networkPolicy.worker.apiServerCIDRs -}}
{{- if not (regexMatch "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}/([1-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]*:[0-9a-fA-F:]*/([1-9][0-9]?|1[01][0-9]|12[0-8]))$" .) -}}
{{- fail (printf "networkPolicy.worker must have address ranges such as 10.0.0.0/8 (was %q)" .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $labels := dict
  "commonLabels" .Values.commonLabels
  "operator.podLabels" .Values.operator.podLabels
  "worker.podLabels" .Values.worker.podLabels
  "console.podLabels" .Values.console.podLabels
  "monitoring.monitors.labels" .Values.monitoring.monitors.labels
  "monitoring.rules.labels" .Values.monitoring.rules.labels
  "monitoring.dashboard.labels" .Values.monitoring.dashboard.labels -}}
{{- range $label, $_ := $labels -}}
{{- if or (hasPrefix "app.kubernetes.io/" $label) (hasPrefix "helm.sh/" $label) -}}
{{- fail (printf "%s: remove %s: the chart sets the labels of app.kubernetes.io and helm.sh" $name $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.cli.role.subjects (not .Values.cli.role.create) -}}
{{- fail "cli.role.subjects: add cli.role.create: true, which creates their Role" -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validateStore" -}}
{{- $redis := .Values.redis -}}
{{- $secret := $redis.existingSecret -}}
{{- $external := or $secret.name $redis.host -}}
{{- if and (not $external) (not $redis.development.enabled) -}}
{{- fail "redis: add redis.existingSecret.name, a Secret whose key `url` holds the URL of the store; for a trial, redis.development.enabled=true starts a small store" -}}
{{- end -}}
{{- if and $external $redis.development.enabled -}}
{{- fail "redis.development.enabled must be false with redis.existingSecret.name or redis.host: keep one Redis" -}}
{{- end -}}
{{- if and (or $secret.usernameKey $secret.passwordKey) (not $redis.host) -}}
{{- fail "redis.existingSecret.usernameKey and passwordKey: remove them, or add redis.host: a URL holds both already" -}}
{{- end -}}
{{- if and (or $secret.usernameKey $secret.passwordKey) (not $secret.name) -}}
{{- fail "redis.existingSecret.name: add the name of the Secret with usernameKey and passwordKey" -}}
{{- end -}}
{{- if and $secret.usernameKey (not $secret.passwordKey) -}}
{{- fail "redis.existingSecret.passwordKey: add the key of the password: Redis accepts no user without a password" -}}
{{- end -}}
{{- if and $secret.name $redis.host (not $secret.passwordKey) -}}
{{- fail "redis.host: add redis.existingSecret.passwordKey, or remove redis.host and let the Secret hold a URL" -}}
{{- end -}}
{{- if not (regexMatch "^(([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)?$" $redis.host) -}}
{{- fail (printf "redis.host must be a name or an IPv4 address alone (was %q): redis.port, redis.database and redis.tls.enabled hold the rest; for IPv6 let the Secret hold a URL" $redis.host) -}}
{{- end -}}
{{- if and $redis.tls.enabled (not $redis.host) -}}
{{- fail "redis.tls.enabled: remove it, or add redis.host: a URL has rediss:// for TLS" -}}
{{- end -}}
{{- if and $redis.tls.caSecret.name $redis.host (not $redis.tls.enabled) -}}
{{- fail "redis.tls.caSecret.name: add redis.tls.enabled: true: without TLS no certificate is checked" -}}
{{- end -}}
{{- if and $redis.tls.caSecret.name $redis.development.enabled -}}
{{- fail "redis.tls.caSecret.name: remove it: the development Redis has no TLS" -}}
{{- end -}}
{{- if not (regexMatch "^[1-9][0-9]*(kb|mb|gb)?$" (include "taskqueue.quantity" $redis.development.maxMemory)) -}}
{{- fail (printf "redis.development.maxMemory must be a number and kb, mb or gb, such as 256mb (was %q)" (toString $redis.development.maxMemory)) -}}
{{- end -}}
{{- if and $secret.name (eq $secret.name .Values.worker.handlersEnv.existingSecret) -}}
{{- fail "worker.handlersEnv.existingSecret must differ from the Secret of Redis: a TaskType could send the password of Redis in a header" -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validateScaling" -}}
{{- with .Values.autoscaling -}}
{{- if and (eq (float64 .minReplicas) 0.0) (ne .mode "keda") (ne .mode "none") -}}
{{- fail (printf "autoscaling.minReplicas must be at least 1 with mode %s (was 0): only keda starts a worker from zero" .mode) -}}
{{- end -}}
{{- if gt (float64 .minReplicas) (float64 .maxReplicas) -}}
{{- fail (printf "autoscaling.maxReplicas must be at least autoscaling.minReplicas, %v (was %v)" .minReplicas .maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.validateConsole" -}}
{{- $console := .Values.console -}}
{{- if and $console.enabled (not $console.credentials.existingSecret) -}}
{{- fail "console.credentials.existingSecret: add the name of a Secret with the tokens of sign-in (docs/install.md has the commands)" -}}
{{- end -}}
{{- if and $console.redisLogin.existingSecret (not .Values.redis.existingSecret.name) -}}
{{- fail "console.redisLogin.existingSecret: remove it, or add redis.existingSecret.name, whose keys it has, too" -}}
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
  "TASKQUEUE_HOST" "bindAddress"
  "TASKQUEUE_PORT" "the ports of the chart, which are fixed"
  "TASKQUEUE_CREDENTIALS" "console.credentials.existingSecret"
  "TASKQUEUE_HOSTS" "console.hosts"
  "TASKQUEUE_HTTPS" "console.https"
  "TASKQUEUE_EDITOR_GROUPS" "console.editorGroups"
  "TASKQUEUE_READ_ONLY" "console.readOnly"
  "TASKQUEUE_SHOW_PARAMS" "console.showParams"
  "REDIS_USERNAME" "redis.existingSecret.usernameKey"
  "REDIS_PASSWORD" "redis.existingSecret.passwordKey" -}}
{{- $name := .name -}}
{{- range .part.extraEnv -}}
{{- if hasKey $own .name -}}
{{- fail (printf "%s.extraEnv: remove %s: the chart sets it from %s" $name .name (get $own .name)) -}}
{{- end -}}
{{- end -}}
{{- range .part.volumes -}}
{{- if has .name (list "tmp" "redis-ca" "credentials") -}}
{{- fail (printf "%s.volumes: rename %s: the chart has a volume of this name" $name .name) -}}
{{- end -}}
{{- end -}}
{{- range .part.volumeMounts -}}
{{- if has .mountPath (list "/tmp" "/etc/taskqueue/redis" "/etc/taskqueue/credentials") -}}
{{- fail (printf "%s.volumeMounts: mount %s elsewhere than at %s, where the chart mounts" $name .name .mountPath) -}}
{{- end -}}
{{- end -}}
{{- with .part.serviceAccount -}}
{{- if and (not .create) (not .name) -}}
{{- fail (printf "%s.serviceAccount.name: add the name of an existing account, or let create be true" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
