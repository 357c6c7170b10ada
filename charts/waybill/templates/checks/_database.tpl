{{- define "waybill.checkDatabase" -}}
{{- $postgresql := (index . 0).Values.postgresql -}}
{{- if and (eq $postgresql.mode "external") (not $postgresql.external.existingSecret) -}}
  {{- include "waybill.wrong" (list (index . 1) (print "postgresql.mode=external needs "
        "postgresql.external.existingSecret, a Secret with the whole URL.")) -}}
{{- end -}}
{{- end }}
