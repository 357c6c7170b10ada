{{/*
The collector's configuration: files/collector.yaml is otel-collector/config.yaml, byte for byte; here is
what only a cluster can add. The values' own `collector.config` comes last.
*/}}
{{- define "waybill.collectorConfig" -}}
{{- $config := .Files.Get "files/collector.yaml" | fromYaml -}}
{{- $limiter := dict "check_interval" "1s" "limit_percentage" 80 "spike_limit_percentage" 25 -}}
{{- $_ := set $config.processors "memory_limiter" $limiter -}}
{{- $_ := set $config.exporters.otlp "tls" (include "waybill.tracingTls" . | fromYaml) -}}
{{- if .Values.collector.tls.certificateSecret.name -}}
  {{- range $protocol := $config.receivers.otlp.protocols -}}
    {{- $_ := set $protocol "tls" (include "waybill.receiverTls" (list $.Values.collector.tls) | fromYaml) -}}
  {{- end -}}
{{- end -}}
{{- if .Values.collector.kubernetesAttributes -}}
  {{- $_ := set $config.processors "k8s_attributes" (include "waybill.kubernetesAttributes" . | fromYaml) -}}
  {{- range $pipeline := $config.service.pipelines -}}
    {{- $rest := without $pipeline.processors "memory_limiter" -}}
    {{- $_ := set $pipeline "processors" (concat (list "memory_limiter" "k8s_attributes") $rest) -}}
  {{- end -}}
{{- end -}}
{{ mustMergeOverwrite $config (deepCopy .Values.collector.config) | toYaml }}
{{- end }}

{{- define "waybill.kubernetesAttributes" -}}
auth_type: serviceAccount
passthrough: false
filter: {namespace: {{ .Release.Namespace | quote }}}
extract:
  metadata: [k8s.pod.name, k8s.pod.uid, k8s.deployment.name, k8s.namespace.name, k8s.node.name, k8s.pod.start_time]
pod_association:
  - sources: [{from: resource_attribute, name: k8s.pod.uid}]
  - sources: [{from: connection}]
{{- end }}

{{- define "waybill.collectorEnv" -}}
{{- include "waybill.env" (list (include "waybill.collectorOwnEnv" .) .Values.collector.extraEnv) }}
{{- end }}

{{- define "waybill.collectorOwnEnv" -}}
- {name: COLLECTOR_HOST, value: 0.0.0.0}
- {name: JAEGER_OTLP_ENDPOINT, value: {{ include "waybill.jaegerOtlpEndpoint" . | quote }}}
- {name: GOMEMLIMIT, value: {{ include "waybill.goMemoryLimit" . | quote }}}
{{- end }}

{{- define "waybill.collectorServiceAccount" -}}{{ include "waybill.fullname" . }}-collector{{- end }}
