{{/* Names, labels, images: everything that two templates must agree on. */}}

{{- define "waybill.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "waybill.name" .) .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name (include "waybill.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "waybill.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The labels that select a component's pods: (list $ "producer-api") */}}
{{- define "waybill.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "waybill.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "waybill.labels" -}}
{{- $root := index . 0 -}}
{{ include "waybill.stableLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
The labels of a resource of which an operator makes pods: operators copy them to the pods, so a label with a version
would restart Kafka, the collector and Jaeger at each upgrade of the chart: (list $ component)
*/}}
{{- define "waybill.stableLabels" -}}
{{ include "waybill.selector" . }}
app.kubernetes.io/part-of: waybill
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service | quote }}
{{- end }}

{{/* An image by digest where one is given, else by tag, else by the chart's appVersion: (list $ .Values.….image) */}}
{{- define "waybill.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $repository := $image.repository -}}
{{- with $root.Values.images.registry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- $tag := $image.tag | default $root.Chart.AppVersion -}}
{{- $name := printf "%s:%s" $repository $tag -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ $name }}{{ end -}}
{{- end }}

{{/* The version of an image, for service.version; a tag may have a digest behind it: (list $ .Values.….image) */}}
{{- define "waybill.imageVersion" -}}
{{- (index . 1).tag | default (index . 0).Chart.AppVersion | splitList "@" | first -}}
{{- end }}

{{/* The two services by the names of their containers; the order is that of the rendered manifests. */}}
{{- define "waybill.services" -}}
producer-api: {{ toJson .Values.producerApi }}
report-worker: {{ toJson .Values.reportWorker }}
{{- end }}

{{/* Where a part is, whatever made it. */}}
{{- define "waybill.kafkaUser" -}}{{ include "waybill.fullname" (index . 0) }}-{{ index . 1 }}{{- end }}
{{- define "waybill.jaeger" -}}{{ include "waybill.fullname" . }}-jaeger{{- end }}
{{/* Empty where an external backend has none; else at the Service of the Jaeger operator, or ours by its name */}}
{{- define "waybill.jaegerQueryUrl" -}}
{{- if eq .Values.tracing.backend "external" }}{{ .Values.tracing.external.queryUrl }}
{{- else }}http://{{ include "waybill.jaeger" . }}-query:16686{{ end }}
{{- end }}
{{- define "waybill.jaegerOtlpEndpoint" -}}
{{- if eq .Values.tracing.backend "external" }}{{ .Values.tracing.external.endpoint }}
{{- else }}{{ include "waybill.jaeger" . }}-collector:4317{{ end }}
{{- end }}
{{/* The OpenTelemetry operator appends "-collector" to a resource's name, so the Deployment bears it too. */}}
{{- define "waybill.collectorEndpoint" -}}
{{- if eq .Values.collector.mode "external" }}{{ .Values.collector.external.endpoint }}
{{- else }}{{ ternary "https" "http" (ne .Values.collector.tls.certificateSecret.name "") -}}
://{{ include "waybill.fullname" . }}-collector:4318{{ end }}
{{- end }}
{{/* (list $ component) → YAML, `name` and `key`: the Secret with the database's URL, for that service's role */}}
{{- define "waybill.databaseSecret" -}}
{{- $root := index . 0 -}}
{{- $external := $root.Values.postgresql.external -}}
{{- if eq $root.Values.postgresql.mode "external" -}}
{{- $own := dict "producer-api" $external.producerApi "report-worker" $external.reportWorker -}}
{{- $secret := get $own (index . 1) | default dict -}}
{{- if not $secret.existingSecret }}{{ $secret = $external }}{{ end -}}
name: {{ $secret.existingSecret | quote }}
key: {{ $secret.urlKey | quote }}
{{- else -}}
name: {{ include "waybill.fullname" $root }}-postgresql
key: url
{{- end }}
{{- end }}
