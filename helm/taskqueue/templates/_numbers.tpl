{{/* A number as digits: of `--set` Helm makes a string of 100.5 and 1e3, and Go prints a large one of a file as 1e+06. */}}
{{- define "taskqueue.number" -}}{{ toJson (float64 .) }}{{- end -}}

{{/* The global limit: digits, or none. */}}
{{- define "taskqueue.rate" -}}{{ if eq (toString .) "none" }}none{{ else }}{{ include "taskqueue.number" . }}{{ end }}{{- end -}}

{{- define "taskqueue.whole" -}}{{ int64 (float64 .) }}{{- end -}}

{{/* A size: a number as digits, or one with a unit as it is. */}}
{{- define "taskqueue.quantity" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson (float64 .) }}{{ end -}}
{{- end -}}

{{/* The bounds of values.schema.json, for numbers that are strings: tests/chart/test_value_bounds.py compares. */}}
{{- define "taskqueue.validateNumbers" -}}
{{- $bounds := dict
  "rate" (list "a number" 0 1000000)
  "redis.port" (list "a whole number" 1 65535)
  "redis.database" (list "a whole number" 0 2147483647)
  "operator.replicas" (list "a whole number" 1 10)
  "operator.leaseDurationSeconds" (list "a number" 2 300)
  "operator.maxBacklog" (list "a whole number" 1 1000000000)
  "operator.terminationGracePeriodSeconds" (list "a whole number" 5 2147483647)
  "worker.replicas" (list "a whole number" 1 2147483647)
  "worker.concurrency" (list "a whole number" 1 10000)
  "worker.threads" (list "a whole number" 1 1000)
  "worker.leaseSeconds" (list "a number" 1 3600)
  "worker.graceSeconds" (list "a number" 0 86400)
  "worker.terminationGracePeriodSeconds" (list "a whole number" 6 2147483647)
  "console.replicas" (list "a whole number" 1 2147483647)
  "autoscaling.minReplicas" (list "a whole number" 0 2147483647)
  "autoscaling.maxReplicas" (list "a whole number" 1 2147483647)
  "autoscaling.drainSeconds" (list "a whole number" 1 3600)
  "autoscaling.keda.pollingInterval" (list "a whole number" 1 2147483647)
  "autoscaling.keda.cooldownPeriod" (list "a whole number" 0 2147483647)
  "networkPolicy.redisPorts" (list "a whole number" 1 65535)
  "networkPolicy.apiServerPorts" (list "a whole number" 1 65535)
  "monitoring.rules.latenessSeconds" (list "a number" 0 2147483647)
  "podSecurityContext.runAsUser" (list "a whole number" 1 2147483647)
  "podSecurityContext.runAsGroup" (list "a whole number" 1 2147483647)
  "podSecurityContext.fsGroup" (list "a whole number" 1 2147483647) -}}
{{- range $path, $bound := $bounds -}}
{{- $value := $.Values -}}
{{- range splitList "." $path -}}
{{- $value = get $value . -}}
{{- end -}}
{{- range (kindIs "slice" $value | ternary $value (list $value)) -}}
{{- if kindIs "string" . -}}
{{- $number := float64 . -}}
{{- $overflown := and (eq $number 0.0) (regexMatch "[1-9]" (regexFind "^[^eE]*" .)) -}}{{/* 1e400 comes out as 0 */}}
{{- $fits := and (ge $number (index $bound 1 | float64)) (le $number (index $bound 2 | float64)) (or (eq (index $bound 0) "a number") (eq $number (floor $number))) -}}
{{- if and (ne . "") (or $overflown (not $fits)) -}}{{/* empty: one that is null */}}
{{- fail (printf "%s must be %s from %v to %v (was %s)" $path (index $bound 0) (index $bound 1) (index $bound 2) .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
