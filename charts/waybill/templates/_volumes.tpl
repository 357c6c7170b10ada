{{/* The volume claims that stay when the release is uninstalled. */}}

{{/* Of Kafka, as Strimzi names them; a JSON list under "claims" */}}
{{- define "waybill.keptKafkaClaims" -}}
{{- $claims := list -}}
{{- $kafka := .Values.kafka.strimzi -}}
{{- $persistent := eq $kafka.storage.type "persistent-claim" -}}
{{- if and (eq .Values.kafka.mode "strimzi") $persistent (not $kafka.storage.deleteClaim) -}}
  {{- range $node := until (int $kafka.nodes) -}}
    {{- $claims = append $claims (printf "data-0-%s-nodes-%d" (include "waybill.fullname" $) $node) -}}
  {{- end -}}
{{- end -}}
{{ toJson (dict "claims" $claims) }}
{{- end }}

{{/* Of the rest; a JSON list under "claims" */}}
{{- define "waybill.keptClaims" -}}
{{- $claims := list -}}
{{- $name := include "waybill.fullname" . -}}
{{- if and (not .Values.artefacts.url) .Values.artefacts.persistence.retain -}}
  {{- $claims = append $claims (printf "%s-artefacts" $name) -}}
{{- end -}}
{{- if and (eq .Values.postgresql.mode "builtin") .Values.postgresql.builtin.persistence.retain -}}
  {{- $claims = append $claims (printf "data-%s-postgresql-0" $name) -}}
{{- end -}}
{{ toJson (dict "claims" $claims) }}
{{- end }}
