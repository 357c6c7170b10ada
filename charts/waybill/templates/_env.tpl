{{/* The settings of docs/architecture.md, as environment. */}}

{{- define "waybill.databaseEnv" -}}
- name: WAYBILL_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "waybill.databaseSecret" . }}, key: {{ include "waybill.databaseUrlKey" . }}}
{{- end }}

{{- define "waybill.artefactEnv" -}}
- {name: WAYBILL_ARTEFACT_URL, value: {{ .Values.artefacts.url | default "file:///var/lib/waybill/artefacts" | quote }}}
{{- end }}

{{/* (list $ component): what both services read */}}
{{- define "waybill.serviceEnv" -}}
{{- $root := index . 0 -}}
{{- $values := ternary $root.Values.producerApi $root.Values.reportWorker (eq (index . 1) "producer-api") -}}
{{ include "waybill.databaseEnv" $root }}
{{ include "waybill.kafkaEnv" . }}
{{ include "waybill.artefactEnv" $root }}
- {name: WAYBILL_LOG_LEVEL, value: {{ $root.Values.logging.level }}}
- {name: WAYBILL_LOG_FORMAT, value: {{ $root.Values.logging.format }}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ include "waybill.collectorEndpoint" $root | quote }}}
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
  value: {{ join "," $attributes }}
{{- end }}

{{- define "waybill.artefactEnvFrom" -}}
{{- with .Values.artefacts.existingSecret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end }}
