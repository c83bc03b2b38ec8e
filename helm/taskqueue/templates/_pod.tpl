{{/* What Pod Security `restricted` asks of a pod. Helm takes away what values set to null. */}}
{{- define "taskqueue.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- range $field, $number := .Values.podSecurityContext }}
{{ $field }}: {{ include "taskqueue.whole" $number }}
{{- end }}
{{- end -}}

{{- define "taskqueue.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods may run. (dict "root" $ "part" VALUES) */}}
{{- define "taskqueue.placement" -}}
{{- include "taskqueue.pullSecrets" .root }}
{{- with .part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .part.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* As evenly as possible over KEY, and never a reason not to run. (dict "root" $ "component" NAME "keys" LIST "part" VALUES) */}}
{{- define "taskqueue.spread" -}}
topologySpreadConstraints:
{{- if .part.topologySpreadConstraints }}
{{ toYaml .part.topologySpreadConstraints | indent 2 }}
{{- else }}
{{- range .keys }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels: {{- include "taskqueue.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "taskqueue.probes" -}}
startupProbe: {httpGet: {path: /livez, port: health}, periodSeconds: 2, failureThreshold: 60}
livenessProbe: {httpGet: {path: /livez, port: health}, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3}
readinessProbe: {httpGet: {path: /readyz, port: health}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2}
{{- end -}}
