{{/* REGISTRY/NAME:TAG, or REGISTRY/NAME@DIGEST. (dict "root" $ "image" VALUES) */}}
{{- define "taskqueue.image" -}}
{{- $registry := .root.Values.global.imageRegistry | trimSuffix "/" -}}
{{- if and $registry (not (include "taskqueue.namesRegistry" .image.repository)) -}}
{{ $registry }}/
{{- end -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* "true" where a repository begins with a registry, by the rule of containerd and Docker: a dot, a port, a capital letter, or localhost. */}}
{{- define "taskqueue.namesRegistry" -}}
{{- if regexMatch "^(localhost|[^/]*[.:A-Z][^/]*)/" . }}true{{ end -}}
{{- end -}}

{{/* Of a pod: those of the chart and those of a parent chart, each as a name or as {name: ...}, each once. */}}
{{- define "taskqueue.pullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.imagePullSecrets .Values.global.imagePullSecrets -}}
{{- $names = append $names (kindIs "string" . | ternary . (dig "name" "" (kindIs "map" . | ternary . (dict)))) -}}
{{- end -}}
{{- with uniq $names -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* What there is to do where an image is not named: nobody publishes them. (dict "root" $ "components" LIST) */}}
{{- define "taskqueue.validateImages" -}}
{{- $version := .Chart.AppVersion -}}
{{- $missing := list -}}
{{- $components := list "operator" "worker" -}}
{{- if .Values.console.enabled -}}
{{- $components = append $components "console" -}}
{{- end -}}
{{- range $component := $components -}}
{{- if not (get $.Values $component).image.repository -}}
{{- $missing = append $missing $component -}}
{{- end -}}
{{- end -}}
{{- $targets := dict "operator" "operator" "worker" "worker" "console" "api" -}}
{{- if $missing -}}
{{- $lines := list (printf "%s.image.repository: add the name of your own image, as none is published. Build, tag and push it:" (join ".image.repository and " $missing)) -}}
{{- range $missing -}}
{{- $target := get $targets . -}}
{{- $lines = append $lines (printf "  docker build -f deploy/docker/Dockerfile --target %s -t registry.example.com/taskqueue-%s:%s ." $target $target $version) -}}
{{- $lines = append $lines (printf "  docker push registry.example.com/taskqueue-%s:%s" $target $version) -}}
{{- end -}}
{{- $lines = append $lines "or, for a kind cluster, put it on the nodes:" -}}
{{- range $missing -}}
{{- $target := get $targets . -}}
{{- $lines = append $lines (printf "  docker build -f deploy/docker/Dockerfile --target %s -t localhost/taskqueue-%s:%s ." $target $target $version) -}}
{{- $lines = append $lines (printf "  kind load docker-image localhost/taskqueue-%s:%s" $target $version) -}}
{{- end -}}
{{- $lines = append $lines "and name it, here that of kind:" -}}
{{- range $missing -}}
{{- $lines = append $lines (printf "  --set %s.image.repository=localhost/taskqueue-%s" . (get $targets .)) -}}
{{- end -}}
{{- fail (join "\n" $lines) -}}
{{- end -}}
{{- range $component := $components -}}
{{- include "taskqueue.validateImage" (dict "name" $component "image" (get $.Values $component).image) -}}
{{- end -}}
{{- include "taskqueue.validateImage" (dict "name" "redis.development" "image" .Values.redis.development.image) -}}
{{- $registry := .Values.global.imageRegistry -}}
{{- if not (regexMatch (printf "^(%s(/%s)*/?)?$" (include "taskqueue.hostPattern" .) (include "taskqueue.pathPattern" .)) $registry) -}}
{{- fail (printf "global.imageRegistry must be a host, with its port and path if any, such as registry.example.com:5000/mirror (was %q)" $registry) -}}
{{- end -}}
{{- end -}}

{{/* A registry's host with its port, and a part of a path, as the grammar of image names has them: nodes refuse all else. */}}
{{- define "taskqueue.hostPattern" -}}
{{- $label := "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?" -}}
{{ $label }}(\.{{ $label }})*(:[0-9]+)?
{{- end -}}

{{- define "taskqueue.pathPattern" -}}
[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*
{{- end -}}

{{- define "taskqueue.validateImage" -}}
{{- if contains "@" .image.repository -}}
{{- fail (printf "%s.image.repository: move the digest to %s.image.digest" .name .name) -}}
{{- end -}}
{{- if regexMatch ":[^/]*$" .image.repository -}}
{{- fail (printf "%s.image.repository: move the tag of %q to %s.image.tag" .name .image.repository .name) -}}
{{- end -}}
{{- $pattern := printf "^(%s/)?%s(/%s)*$" (include "taskqueue.hostPattern" .) (include "taskqueue.pathPattern" .) (include "taskqueue.pathPattern" .) -}}
{{- if or (gt (len .image.repository) 255) (not (regexMatch $pattern .image.repository)) -}}
{{- fail (printf "%s.image.repository must be a name such as registry.example.com/shop/%s, in lower case (was %q)" .name (.name | replace "." "-") .image.repository) -}}
{{- end -}}
{{- if and .image.tag (not (regexMatch "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$" .image.tag)) -}}
{{- fail (printf "%s.image.tag must be at most 128 letters, digits, dots, dashes and underscores (was %q)" .name .image.tag) -}}
{{- end -}}
{{- if and .image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" .image.digest)) -}}
{{- fail (printf "%s.image.digest must be sha256: and 64 hexadecimal digits (was %q)" .name .image.digest) -}}
{{- end -}}
{{- end -}}
