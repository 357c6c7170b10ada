{{/* What each wire needs to be TLS, and what no wire would use. */}}
{{- define "waybill.checkTls" -}}
{{- $values := (index . 0).Values -}}
{{- $wrong := index . 1 -}}
{{- with $values.producerApi -}}
  {{- if and .tls.caSecret.name (not .tls.certificateSecret.name) -}}
    {{- include "waybill.wrong" (list $wrong (print "producerApi.tls.caSecret is for HTTPS, which needs "
          "producerApi.tls.certificateSecret too.")) -}}
  {{- end -}}
{{- end -}}
{{- with $values.postgresql.external.tls -}}
  {{- if and .certificateSecret.name (not .caSecret.name) -}}
    {{- include "waybill.wrong" (list $wrong (print "postgresql.external.tls.certificateSecret needs "
          "postgresql.external.tls.caSecret, by which the server is known, too.")) -}}
  {{- end -}}
  {{- if and (ne $values.postgresql.mode "external") .caSecret.name -}}
    {{- include "waybill.wrong" (list $wrong (print "postgresql.external.tls is for postgresql.mode=external: "
          "the built-in PostgreSQL has no certificate.")) -}}
  {{- end -}}
{{- end -}}
{{- include "waybill.checkCollectorTls" . -}}
{{- include "waybill.checkTracingTls" . -}}
{{- end }}

{{- define "waybill.checkCollectorTls" -}}
{{- $collector := (index . 0).Values.collector -}}
{{- $wrong := index . 1 -}}
{{- $tls := $collector.tls -}}
{{- $ours := or $tls.caSecret.name $tls.clientSecret.name -}}
{{- if eq $collector.mode "external" -}}
  {{- if $tls.certificateSecret.name -}}
    {{- include "waybill.wrong" (list $wrong (print "collector.tls.certificateSecret is our own collector's, "
          "and collector.mode is external.")) -}}
  {{- end -}}
  {{- if and $ours (not (hasPrefix "https:" $collector.external.endpoint)) -}}
    {{- include "waybill.wrong" (list $wrong (print "collector.tls is for a collector.external.endpoint that "
          "begins with https:.")) -}}
  {{- end -}}
{{- else if and $tls.certificateSecret.name (not $tls.caSecret.name) -}}
  {{- include "waybill.wrong" (list $wrong (print "collector.tls.certificateSecret needs collector.tls.caSecret, "
        "by which the services know the collector.")) -}}
{{- else if and $ours (not $tls.certificateSecret.name) -}}
  {{- include "waybill.wrong" (list $wrong (print "collector.tls needs collector.tls.certificateSecret: "
        "without a certificate of its own, our collector takes spans in plain text.")) -}}
{{- end -}}
{{- end }}

{{- define "waybill.checkTracingTls" -}}
{{- $values := (index . 0).Values -}}
{{- $wrong := index . 1 -}}
{{- $tls := $values.tracing.tls -}}
{{- $backend := $values.tracing.backend -}}
{{- $ours := or $tls.caSecret.name $tls.clientSecret.name -}}
{{- if or $ours $tls.certificateSecret.name -}}
  {{- if eq $values.collector.mode "external" -}}
    {{- include "waybill.wrong" (list $wrong (print "tracing.tls is between our collector and Jaeger, "
          "and collector.mode is external.")) -}}
  {{- else if eq $backend "jaeger-operator" -}}
    {{- include "waybill.wrong" (list $wrong (print "tracing.tls does not reach a Jaeger of the Jaeger operator: "
          "set tracing.backend=jaeger, otel-operator or external.")) -}}
  {{- else if eq $backend "external" -}}
    {{- if $tls.certificateSecret.name -}}
      {{- include "waybill.wrong" (list $wrong (print "tracing.tls.certificateSecret is our own Jaeger's, "
            "and tracing.backend is external.")) -}}
    {{- end -}}
    {{- if $values.tracing.external.insecure -}}
      {{- include "waybill.wrong" (list $wrong (print "tracing.tls needs tracing.external.insecure=false.")) -}}
    {{- end -}}
  {{- else if not (and $tls.certificateSecret.name $tls.caSecret.name) -}}
    {{- include "waybill.wrong" (list $wrong (print "tracing.tls needs both certificateSecret, which Jaeger shows, "
          "and caSecret, by which the collector knows it.")) -}}
  {{- end -}}
{{- end -}}
{{- end }}
