{{/* Jaeger v2's configuration: files/jaeger.yaml is otel-collector/jaeger.yaml, with the storage of the values. */}}
{{- define "waybill.jaegerConfig" -}}
{{- $config := .Files.Get "files/jaeger.yaml" | fromYaml -}}
{{- with .Values.tracing.jaeger.storage -}}
{{- $_ := set $config.extensions.jaeger_storage "backends" (dict "traces" .) -}}
{{- end -}}
{{- if .Values.tracing.tls.certificateSecret.name -}}
{{- $tls := include "waybill.receiverTls" (list .Values.tracing.tls) | fromYaml -}}
{{- $_ := set $config.receivers.otlp.protocols.grpc "tls" $tls -}}
{{- end -}}
{{- if and .Values.tracing.pages.waybillUrl (eq .Values.tracing.backend "jaeger") -}}
{{- $_ := set $config.extensions.jaeger_query "ui" (dict "config_file" "/etc/jaeger/ui.json") -}}
{{- end -}}
{{ toYaml $config }}
{{- end }}

{{/* Of Jaeger's pages: a span's report.id is a link to the report. */}}
{{- define "waybill.jaegerUi" -}}
{{- $url := printf "%s/reports/#{report.id}" (trimSuffix "/" .Values.tracing.pages.waybillUrl) -}}
{{- $link := dict "type" "tags" "key" "report.id" "url" $url "text" "This report in Waybill" -}}
{{ dict "linkPatterns" (list $link) | toPrettyJson }}
{{- end }}

{{- define "waybill.jaegerEnv" -}}
{{- include "waybill.env" (list (include "waybill.jaegerOwnEnv" .) .Values.tracing.jaeger.extraEnv) }}
{{- end }}

{{- define "waybill.jaegerOwnEnv" -}}
- {name: JAEGER_HOST, value: 0.0.0.0}
- {name: JAEGER_OTLP_PORT, value: "4317"}
- {name: JAEGER_HEALTH_PORT, value: "13133"}
{{- end }}

{{/* The labels of Jaeger's pods, which depend on who made them. */}}
{{- define "waybill.jaegerSelector" -}}
{{- if eq .Values.tracing.backend "jaeger" }}
{{- include "waybill.selector" (list . "jaeger") }}
{{- else if eq .Values.tracing.backend "jaeger-operator" -}}
app: jaeger
app.kubernetes.io/instance: {{ include "waybill.jaeger" . | quote }}
{{- else if eq .Values.tracing.backend "otel-operator" -}}
app.kubernetes.io/component: opentelemetry-collector
app.kubernetes.io/instance: {{ printf "%s.%s" .Release.Namespace (include "waybill.jaeger" .) | quote }}
{{- end }}
{{- end }}
