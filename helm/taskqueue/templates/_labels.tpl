{{/* The labels that never change. (dict "root" $ "component" NAME); `kubectl taskqueue` finds the operator by them. */}}
{{- define "taskqueue.selector" -}}
app.kubernetes.io/name: taskqueue
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Of an object. (dict "root" $ "component" NAME "more" LABELS) */}}
{{- define "taskqueue.labels" -}}
{{ include "taskqueue.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: taskqueue
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with merge (dict) (.more | default dict) .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "component" NAME "part" VALUES-OF-IT) */}}
{{- define "taskqueue.podLabels" -}}
{{ include "taskqueue.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- with merge (dict) .part.podLabels .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
