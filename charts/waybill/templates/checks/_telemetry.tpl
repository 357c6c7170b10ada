{{- define "waybill.checkTelemetry" -}}
{{- $values := (index . 0).Values -}}
{{- $wrong := index . 1 -}}
{{- $backend := $values.tracing.backend -}}
{{- if eq $values.collector.mode "external" -}}
  {{- if not $values.collector.external.endpoint -}}
    {{- include "waybill.wrong" (list $wrong (print "collector.mode=external needs collector.external.endpoint, "
          "as http://host:4318.")) -}}
  {{- end -}}
  {{- if ne $backend "external" -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s, and tracing.backend=%s would stay empty: %s."
          "collector.mode=external sends traces where that collector sends them" $backend
          "set tracing.backend=external")) -}}
  {{- end -}}
{{- else if and (eq $backend "external") (not $values.tracing.external.endpoint) -}}
  {{- include "waybill.wrong" (list $wrong (print "tracing.backend=external needs "
        "tracing.external.endpoint, as host:4317.")) -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled (eq $values.collector.mode "external") -}}
  {{- include "waybill.wrong" (list $wrong (print "serviceMonitor.enabled is for our collector, "
        "and collector.mode is external.")) -}}
{{- end -}}
{{- end }}
