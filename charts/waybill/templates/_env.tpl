{{/* The settings of docs/architecture.md, as environment. */}}

{{/*
(list ours theirs): YAML of a list of variables, and the user's own list. Each name is there once, as server-side apply
demands. The user's value wins; of OTEL_RESOURCE_ATTRIBUTES both parts count, and it comes last, as it may refer to any.
*/}}
{{- define "waybill.env" -}}
{{- $ours := index . 0 | fromYamlArray -}}
{{- $theirs := dict -}}
{{- $names := list -}}
{{- range index . 1 -}}
  {{- $_ := set $theirs .name . -}}
  {{- $names = append $names .name -}}
{{- end -}}
{{- $attributes := "OTEL_RESOURCE_ATTRIBUTES" -}}
{{- $all := list -}}
{{- $last := list -}}
{{- range $ours -}}
  {{- if eq .name $attributes -}}
    {{- $last = include "waybill.resourceAttributes" (list .value (get $theirs $attributes)) | fromYamlArray -}}
  {{- else if not (hasKey $theirs .name) -}}
    {{- $all = append $all . -}}
  {{- end -}}
{{- end -}}
{{- range uniq $names -}}
  {{- if not (and $last (eq . $attributes)) }}{{ $all = append $all (get $theirs .) }}{{ end -}}
{{- end -}}
{{ concat $all $last | toYaml }}
{{- end }}

{{/*
(list ours theirs): our attributes but those that the user's variable has too, then the user's. What comes from a Secret
or ConfigMap cannot be read here: it is appended by reference, and the later of two equal attributes counts.
*/}}
{{- define "waybill.resourceAttributes" -}}
{{- $ours := splitList "," (index . 0) -}}
{{- $theirs := index . 1 | default dict -}}
{{- $variables := list -}}
{{- if $theirs.valueFrom -}}
  {{- $variables = append $variables (merge (dict "name" "EXTRA_RESOURCE_ATTRIBUTES") $theirs) -}}
  {{- $ours = append $ours "$(EXTRA_RESOURCE_ATTRIBUTES)" -}}
{{- else -}}
  {{- $given := list -}}
  {{- $keys := list -}}
  {{- range splitList "," ($theirs.value | default "") -}}
    {{- if trim . -}}
      {{- $given = append $given (trim .) -}}
      {{- $keys = append $keys (regexFind "^[^=]*" . | trim) -}}
    {{- end -}}
  {{- end -}}
  {{- $kept := list -}}
  {{- range $ours -}}
    {{- if not (has (regexFind "^[^=]*" .) $keys) }}{{ $kept = append $kept . }}{{ end -}}
  {{- end -}}
  {{- $ours = concat $kept $given -}}
{{- end -}}
{{- $variables = append $variables (dict "name" "OTEL_RESOURCE_ATTRIBUTES" "value" (join "," $ours)) -}}
{{ toYaml $variables }}
{{- end }}

{{/* (list $ ours): of what runs before the services, in hook Jobs and init containers */}}
{{- define "waybill.hookEnv" -}}
{{- include "waybill.env" (list (index . 1) (index . 0).Values.migrations.extraEnv) }}
{{- end }}

{{/* (list $ component): the database's URL, with the role of that component */}}
{{- define "waybill.databaseEnv" -}}
{{- $secret := include "waybill.databaseSecret" . | fromYaml -}}
- name: WAYBILL_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ $secret.key | quote }}
{{- include "waybill.databaseTlsEnv" (index . 0) }}
{{- end }}

{{/* what migrates, and gives the services' roles their rights */}}
{{- define "waybill.migrationEnv" -}}
{{ include "waybill.databaseEnv" (list . "migrate") }}
{{- $roles := .Values.postgresql.external }}
{{- if eq .Values.postgresql.mode "external" }}
{{- with $roles.producerApi.role }}
- {name: WAYBILL_DATABASE_API_ROLE, value: {{ . | quote }}}
{{- end }}
{{- with $roles.reportWorker.role }}
- {name: WAYBILL_DATABASE_WORKER_ROLE, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "waybill.artefactEnv" -}}
- {name: WAYBILL_ARTEFACT_URL, value: {{ .Values.artefacts.url | default "file:///var/lib/waybill/artefacts" | quote }}}
{{- end }}

{{/* (list $ component): what a service reads */}}
{{- define "waybill.serviceEnv" -}}
{{- $root := index . 0 -}}
{{- $service := include "waybill.serviceTraits" . | fromYaml -}}
{{- $values := index $root.Values $service.values -}}
{{ include "waybill.databaseEnv" . }}
{{ include "waybill.kafkaEnv" . }}
{{ include "waybill.artefactEnv" $root }}
- {name: WAYBILL_LOG_LEVEL, value: {{ $root.Values.logging.level | quote }}}
- {name: WAYBILL_LOG_FORMAT, value: {{ $root.Values.logging.format | quote }}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ include "waybill.collectorEndpoint" $root | quote }}}
{{- include "waybill.exporterTlsEnv" $root }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
- name: OTEL_RESOURCE_ATTRIBUTES
  {{- $attributes := list
    (printf "service.namespace=%s" $root.Release.Namespace)
    (printf "service.version=%s" (include "waybill.imageVersion" (list $root $values.image)))
    (printf "k8s.namespace.name=%s" $root.Release.Namespace)
    "k8s.pod.name=$(POD_NAME)"
    "k8s.pod.uid=$(POD_UID)" }}
  value: {{ join "," $attributes | quote }}
{{- range $service.env }}
{{- if .valueFrom }}
- {name: {{ .name }}, valueFrom: {{ toJson .valueFrom }}}
{{- else }}
- {name: {{ .name }}, value: {{ .value | quote }}}
{{- end }}
{{- end }}
- {name: WAYBILL_DRAIN_SECONDS, value: {{ $values.drainSeconds | quote }}}
{{- end }}

{{- define "waybill.artefactEnvFrom" -}}
{{- with .Values.artefacts.existingSecret }}
envFrom:
  - secretRef: {name: {{ . | quote }}}
{{- end }}
{{- end }}
