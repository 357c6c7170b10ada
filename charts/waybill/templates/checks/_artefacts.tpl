{{- define "waybill.checkArtefacts" -}}
{{- $artefacts := (index . 0).Values.artefacts -}}
{{- if and $artefacts.existingSecret (not $artefacts.url) -}}
  {{- include "waybill.wrong" (list (index . 1) (print "artefacts.existingSecret is for an object store: "
        "set artefacts.url.")) -}}
{{- end -}}
{{- end }}
