{{/*
Checks of the values, one template for each subject. Each gets (list $ wrong), and appends sentences to the list
`wrong.sentences`. What cannot work fails at once, with all sentences, and not later in the cluster.
*/}}

{{/* (list wrong sentence) */}}
{{- define "waybill.wrong" -}}
{{- $wrong := index . 0 -}}
{{- $_ := set $wrong "sentences" (append $wrong.sentences (index . 1)) -}}
{{- end }}
