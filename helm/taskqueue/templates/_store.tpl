{{/* How a process finds the store. Variables in $(...) are put in by Kubernetes, so that no password is in a manifest.
     (dict "root" $ "login" NAME-OF-A-SECRET); empty: the login of the release. */}}
{{- define "taskqueue.storeEnv" -}}
{{- $redis := .root.Values.redis -}}
{{- $secret := $redis.existingSecret -}}
{{- with .login -}}
{{- $secret = merge (dict "name" .) $secret -}}
{{- end -}}
- name: TASKQUEUE_RELEASE
  value: {{ include "taskqueue.release" .root | quote }}
{{- if $redis.development.enabled }}
- name: TASKQUEUE_REDIS_URL
  value: redis://{{ include "taskqueue.redis" .root }}:6379/0
{{- else if $redis.host }}
{{- with $secret.usernameKey }}
- name: REDIS_USERNAME
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ . | quote }}}}
{{- end }}
{{- with $secret.passwordKey }}
- name: REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ . | quote }}}}
{{- end }}
{{- $login := printf "%s%s" (ternary "$(REDIS_USERNAME)" "" (ne $secret.usernameKey "")) (ternary ":$(REDIS_PASSWORD)" "" (ne $secret.passwordKey "")) }}
- name: TASKQUEUE_REDIS_URL
  value: {{ printf "%s://%s%s:%v/%v%s"
    (ternary "rediss" "redis" $redis.tls.enabled)
    (ternary (printf "%s@" $login) "" (ne $login ""))
    $redis.host
    (include "taskqueue.whole" $redis.port)
    (include "taskqueue.whole" $redis.database)
    (ternary (printf "?ssl_ca_certs=/etc/taskqueue/redis/%s" $redis.tls.caSecret.key) "" (ne $redis.tls.caSecret.name "")) | quote }}
{{- else }}
- name: TASKQUEUE_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ $secret.urlKey | quote }}}}
{{- end }}
{{- end -}}

{{- define "taskqueue.storeVolumes" -}}
{{- with .Values.redis.tls.caSecret }}
{{- if .name }}
- name: redis-ca
  secret:
    secretName: {{ .name | quote }}
    items: [{key: {{ .key | quote }}, path: {{ .key | quote }}}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "taskqueue.storeMounts" -}}
{{- if .Values.redis.tls.caSecret.name }}
- {name: redis-ca, mountPath: /etc/taskqueue/redis, readOnly: true}
{{- end }}
{{- end -}}

{{- define "taskqueue.logEnv" -}}
- {name: TASKQUEUE_LOG_LEVEL, value: {{ .Values.log.level }}}
- {name: TASKQUEUE_LOG_FORMAT, value: {{ .Values.log.format }}}
{{- end -}}
