{{/* Begins every name; 40 characters leave room for what follows. */}}
{{- define "taskqueue.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "taskqueue" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-taskqueue" (.Release.Name | trunc 30 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "taskqueue.operator" -}}{{ include "taskqueue.fullname" . }}-operator{{- end -}}
{{- define "taskqueue.worker" -}}{{ include "taskqueue.fullname" . }}-worker{{- end -}}
{{- define "taskqueue.console" -}}{{ include "taskqueue.fullname" . }}-console{{- end -}}
{{- define "taskqueue.redis" -}}{{ include "taskqueue.fullname" . }}-redis{{- end -}}
{{- define "taskqueue.externalMetrics" -}}{{ include "taskqueue.fullname" . }}-external-metrics{{- end -}}

{{/* Of what is the cluster's and not the namespace's. */}}
{{- define "taskqueue.clusterName" -}}{{ .Release.Namespace }}-{{ include "taskqueue.externalMetrics" . }}{{- end -}}

{{/* Which of several systems on one Redis: by the namespace, as the store belongs to the objects of one. */}}
{{- define "taskqueue.release" -}}{{ .Values.release | default .Release.Namespace }}{{- end -}}

{{- define "taskqueue.operatorAccount" -}}
{{ .Values.operator.serviceAccount.name | default (include "taskqueue.operator" .) }}
{{- end -}}

{{- define "taskqueue.workerAccount" -}}
{{ .Values.worker.serviceAccount.name | default (include "taskqueue.worker" .) }}
{{- end -}}

{{/* Work-seconds a worker gets through in drainSeconds: what one replica is asked for. */}}
{{- define "taskqueue.target" -}}
{{ mul (include "taskqueue.whole" .Values.worker.concurrency) (include "taskqueue.whole" .Values.autoscaling.drainSeconds) }}
{{- end -}}
