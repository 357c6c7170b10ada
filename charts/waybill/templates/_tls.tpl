{{/*
What is TLS, and by whose certificates: docs/kubernetes.md, TLS. The Secrets are mounted as folders, so that the files
change when the Secrets do: {ca.crt, tls.crt, tls.key} in /etc/waybill/<volume>.
*/}}

{{/* (list volume caSecret certificateSecret): a volume with the files of those Secrets that are named, or nothing */}}
{{- define "waybill.certificateVolume" -}}
{{- $ca := index . 1 -}}
{{- $certificate := index . 2 -}}
{{- if or $ca.name $certificate.name }}
- name: tls-{{ index . 0 }}
  projected:
    defaultMode: 0440
    sources:
      {{- if $ca.name }}
      - secret: {name: {{ $ca.name | quote }}, items: [{key: {{ $ca.key | quote }}, path: ca.crt}]}
      {{- end }}
      {{- if $certificate.name }}
      - secret:
          name: {{ $certificate.name | quote }}
          items:
            - {key: {{ $certificate.certificateKey | quote }}, path: tls.crt}
            - {key: {{ $certificate.privateKeyKey | quote }}, path: tls.key}
      {{- end }}
{{- end }}
{{- end }}

{{/* (list volumes): the mounts of such volumes */}}
{{- define "waybill.certificateMounts" -}}
{{- range index . 0 | fromYamlArray }}
- {name: {{ .name }}, mountPath: /etc/waybill/{{ trimPrefix "tls-" .name }}, readOnly: true}
{{- end }}
{{- end }}

{{/* Where nothing is mounted in place of a certificate, or of an authority */}}
{{- define "waybill.noSecret" -}}
{name: ""}
{{- end }}

{{/* http or https, by which the API is called within the cluster */}}
{{- define "waybill.apiScheme" -}}
{{- ternary "https" "http" (ne .Values.producerApi.tls.certificateSecret.name "") -}}
{{- end }}

{{- define "waybill.apiTlsEnv" -}}
{{- if .Values.producerApi.tls.certificateSecret.name }}
- {name: WAYBILL_TLS_CERTIFICATE_FILE, value: /etc/waybill/api/tls.crt}
- {name: WAYBILL_TLS_KEY_FILE, value: /etc/waybill/api/tls.key}
{{- end }}
{{- end }}

{{/* The database's: libpq's own variables, which hold where the URL says nothing else */}}
{{- define "waybill.databaseTlsEnv" -}}
{{- if eq .Values.postgresql.mode "external" }}
{{- with .Values.postgresql.external.tls }}
{{- if .caSecret.name }}
- {name: PGSSLMODE, value: verify-full}
- {name: PGSSLROOTCERT, value: /etc/waybill/database/ca.crt}
{{- end }}
{{- if .certificateSecret.name }}
- {name: PGSSLCERT, value: /etc/waybill/database/tls.crt}
- {name: PGSSLKEY, value: /etc/waybill/database/tls.key}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "waybill.databaseTlsVolumes" -}}
{{- if eq .Values.postgresql.mode "external" }}
{{- with .Values.postgresql.external.tls }}
{{- include "waybill.certificateVolume" (list "database" .caSecret .certificateSecret) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The exporters' of the services: OpenTelemetry's own variables */}}
{{- define "waybill.exporterTlsEnv" -}}
{{- with .Values.collector.tls }}
{{- if .caSecret.name }}
- {name: OTEL_EXPORTER_OTLP_CERTIFICATE, value: /etc/waybill/collector/ca.crt}
{{- end }}
{{- if .clientSecret.name }}
- {name: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, value: /etc/waybill/collector/tls.crt}
- {name: OTEL_EXPORTER_OTLP_CLIENT_KEY, value: /etc/waybill/collector/tls.key}
{{- end }}
{{- end }}
{{- end }}

{{/* (list $ component): of a service's pod */}}
{{- define "waybill.serviceTlsVolumes" -}}
{{- $values := (index . 0).Values -}}
{{- $none := include "waybill.noSecret" $ | fromYaml -}}
{{- if eq (index . 1) "producer-api" }}
{{- include "waybill.certificateVolume" (list "api" $none $values.producerApi.tls.certificateSecret) }}
{{- end }}
{{- include "waybill.databaseTlsVolumes" (index . 0) }}
{{- with $values.collector.tls }}
{{- include "waybill.certificateVolume" (list "collector" .caSecret .clientSecret) }}
{{- end }}
{{- end }}

{{/* (list tls): what a receiver of spans shows, and whether it takes them only from clients of its authority */}}
{{- define "waybill.receiverTls" -}}
cert_file: /etc/waybill/receiver/tls.crt
key_file: /etc/waybill/receiver/tls.key
min_version: "1.2"
reload_interval: 1m
{{- if (index . 0).clientSecret.name }}
client_ca_file: /etc/waybill/receiver/ca.crt
client_ca_file_reload: true
{{- end }}
{{- end }}

{{/* (list tls): the volume for it */}}
{{- define "waybill.receiverTlsVolume" -}}
{{- $tls := index . 0 -}}
{{- $none := include "waybill.noSecret" $ | fromYaml -}}
{{- if $tls.certificateSecret.name }}
{{- include "waybill.certificateVolume"
      (list "receiver" (ternary $tls.caSecret $none (ne $tls.clientSecret.name "")) $tls.certificateSecret) }}
{{- end }}
{{- end }}

{{/* Whether our collector sends to Jaeger over TLS: "true", or empty */}}
{{- define "waybill.tracingIsEncrypted" -}}
{{- if eq .Values.tracing.backend "external" }}{{ if not .Values.tracing.external.insecure }}true{{ end }}
{{- else if .Values.tracing.tls.certificateSecret.name }}true{{ end -}}
{{- end }}

{{/* Of our collector, towards Jaeger */}}
{{- define "waybill.tracingTls" -}}
{{- if include "waybill.tracingIsEncrypted" . }}
insecure: false
{{- with .Values.tracing.tls }}
{{- if .caSecret.name }}
ca_file: /etc/waybill/tracing/ca.crt
{{- end }}
{{- if .clientSecret.name }}
cert_file: /etc/waybill/tracing/tls.crt
key_file: /etc/waybill/tracing/tls.key
{{- end }}
{{- if or .caSecret.name .clientSecret.name }}
min_version: "1.2"
reload_interval: 1m
{{- end }}
{{- end }}
{{- else }}
insecure: true
{{- end }}
{{- end }}

{{- define "waybill.collectorTlsVolumes" -}}
{{- include "waybill.receiverTlsVolume" (list .Values.collector.tls) }}
{{- if include "waybill.tracingIsEncrypted" . }}
{{- with .Values.tracing.tls }}
{{- include "waybill.certificateVolume" (list "tracing" .caSecret .clientSecret) }}
{{- end }}
{{- end }}
{{- end }}
