{{/* Reports that YAML files define: the API reads the definitions, the workers read what the sources are. */}}

{{/* The ConfigMap with the definitions; empty where there is none */}}
{{- define "waybill.definitionsConfigMap" -}}
{{- $own := printf "%s-definitions" (include "waybill.fullname" .) -}}
{{- .Values.query.definitionsConfigMap | default (ternary $own "" (not (empty .Values.query.definitions))) -}}
{{- end }}

{{/* (list $ component): volumes of its pod */}}
{{- define "waybill.queryVolumes" -}}
{{- $root := index . 0 -}}
{{- $query := $root.Values.query -}}
{{- if eq (index . 1) "producer-api" }}
{{- with include "waybill.definitionsConfigMap" $root }}
- name: definitions
  configMap: {name: {{ . | quote }}}
{{- end }}
{{- else }}
{{- if $query.sources }}
- name: sources
  configMap: {name: {{ include "waybill.fullname" $root }}-sources}
{{- end }}
{{- with $query.sourcesSecret }}
- name: source-secrets
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with $query.dataClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ . | quote }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{/* (list $ component): their mounts */}}
{{- define "waybill.queryMounts" -}}
{{- $paths := dict
  "definitions" "/etc/waybill/definitions"
  "sources" "/etc/waybill/sources"
  "source-secrets" "/run/waybill/sources"
  "data" "/data" -}}
{{- range include "waybill.queryVolumes" . | fromYamlArray }}
- {name: {{ .name }}, mountPath: {{ get $paths .name }}, readOnly: true}
{{- end }}
{{- end }}

{{/* (list $ component): YAML of its variables */}}
{{- define "waybill.queryEnv" -}}
{{- $root := index . 0 -}}
{{- if eq (index . 1) "producer-api" }}
{{- if include "waybill.definitionsConfigMap" $root }}
- {name: WAYBILL_DEFINITIONS, value: /etc/waybill/definitions}
{{- end }}
{{- else if $root.Values.query.sources }}
- {name: WAYBILL_SOURCES, value: /etc/waybill/sources/sources.yaml}
{{- end }}
{{- end }}
