{{- define "waybill.checkDatabase" -}}
{{- $postgresql := (index . 0).Values.postgresql -}}
{{- range $service := list "producerApi" "reportWorker" -}}
  {{- $own := get $postgresql.external $service -}}
  {{- if and $own.role (not $own.existingSecret) -}}
    {{- include "waybill.wrong" (list (index $ 1) (printf "postgresql.external.%s.role needs %s, %s" $service
          (printf "postgresql.external.%s.existingSecret" $service)
          "a Secret with the URL of that role: without it the service uses the role that migrates.")) -}}
  {{- end -}}
{{- end -}}
{{- $roles := list $postgresql.external.producerApi.role $postgresql.external.reportWorker.role -}}
{{- if and (first $roles) (eq (first $roles) (last $roles)) -}}
  {{- include "waybill.wrong" (list (index . 1) (print "postgresql.external.producerApi.role and "
        "postgresql.external.reportWorker.role must be two roles.")) -}}
{{- end -}}
{{- if and (eq $postgresql.mode "external") (not $postgresql.external.existingSecret) -}}
  {{- include "waybill.wrong" (list (index . 1) (print "postgresql.mode=external needs "
        "postgresql.external.existingSecret, a Secret with the whole URL.")) -}}
{{- end -}}
{{- end }}
