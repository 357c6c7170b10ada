{{/* Services are named after the release, and their names begin with a letter. */}}
{{- define "waybill.checkNames" -}}
{{- $name := include "waybill.fullname" (index . 0) -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $name) -}}
  {{- include "waybill.wrong" (list (index . 1) (printf "%s cannot begin the names of Services: %s." (quote $name)
        "set fullnameOverride to letters, digits and hyphens, with a letter first")) -}}
{{- end -}}
{{- end }}
