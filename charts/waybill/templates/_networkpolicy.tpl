{{/* (list $ component): a policy up to its rules */}}
{{- define "waybill.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "waybill.fullname" (index . 0) }}-{{ index . 1 }}
  labels: {{- include "waybill.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "waybill.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{- define "waybill.egressDns" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end }}

{{- define "waybill.egressDatabase" -}}
{{- if eq .Values.postgresql.mode "external" -}}
- ports: [{port: {{ .Values.postgresql.external.port }}}]
{{- else -}}
- to:
    - podSelector:
        matchLabels: {{- include "waybill.selector" (list . "postgresql") | nindent 10 }}
  ports: [{port: postgresql}]
{{- end }}
{{- end }}

{{- define "waybill.egressKafka" -}}
{{- if eq .Values.kafka.mode "external" -}}
- ports:
    {{- range (include "waybill.kafkaExternalPorts" . | fromJson).ports }}
    - port: {{ . }}
    {{- end }}
{{- else -}}
- to:
    - podSelector:
        matchLabels: {strimzi.io/cluster: {{ include "waybill.fullname" . | quote }}, strimzi.io/kind: Kafka}
  ports: [{port: 9093}]
{{- end }}
{{- end }}

{{- define "waybill.egressCollector" -}}
{{- if eq .Values.collector.mode "external" -}}
- ports: [{port: {{ include "waybill.port" .Values.collector.external.endpoint }}}]
{{- else -}}
- to:
    - podSelector:
        matchLabels: {{- include "waybill.collectorSelector" . | nindent 10 }}
  ports: [{port: 4318}]
{{- end }}
{{- end }}

{{/* Jaeger's query API; empty where an external backend has none */}}
{{- define "waybill.egressJaegerQuery" -}}
{{- if ne .Values.tracing.backend "external" -}}
- to:
    - podSelector:
        matchLabels: {{- include "waybill.jaegerSelector" . | nindent 10 }}
  ports: [{port: 16686}]
{{- else if .Values.tracing.external.queryUrl -}}
- ports: [{port: {{ include "waybill.port" .Values.tracing.external.queryUrl }}}]
{{- end }}
{{- end }}

{{/* The issuers of tokens, from which the API gets their keys; empty where it accepts no tokens of theirs */}}
{{- define "waybill.egressIssuers" -}}
{{- if has "oidc" (include "waybill.accepted" . | fromJson).credentials }}
{{- $ports := list }}
{{- range .Values.producerApi.auth.oidc.issuers }}{{ $ports = append $ports (include "waybill.port" .) }}{{ end }}
# the issuers of tokens
- ports:
    {{- range $ports | default (list "443") | uniq }}
    - port: {{ . }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "waybill.collectorSelector" -}}
{{- if eq .Values.collector.mode "operator" -}}
app.kubernetes.io/component: opentelemetry-collector
app.kubernetes.io/instance: {{ printf "%s.%s" .Release.Namespace (include "waybill.fullname" .) | quote }}
{{- else }}
{{- include "waybill.selector" (list . "collector") }}
{{- end }}
{{- end }}

{{/* The port of "host:port" or of a URL, whose scheme has one where none is written. */}}
{{- define "waybill.port" -}}
{{- $port := regexFind ":[0-9]+(/|$)" . | trimPrefix ":" | trimSuffix "/" -}}
{{- $port | default (ternary "443" "80" (hasPrefix "https:" .)) -}}
{{- end }}
