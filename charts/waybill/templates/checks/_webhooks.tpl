{{/* What webhooks need, be it here or in extraEnv. */}}
{{- define "waybill.checkWebhooks" -}}
{{- $api := (index . 0).Values.producerApi -}}
{{- $wrong := index . 1 -}}
{{- $own := list -}}
{{- range $api.extraEnv }}{{ $own = append $own .name }}{{ end -}}
{{- with $api.webhooks -}}
  {{- $signed := or .existingSecret (has "WAYBILL_WEBHOOK_SECRET" $own) (has "WAYBILL_WEBHOOK_SECRET_FILE" $own) -}}
  {{- if and .hosts (not $signed) -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.webhooks.existingSecret, %s."
          "producerApi.webhooks.hosts" "the Secret with what signs webhooks")) -}}
  {{- end -}}
  {{- if and .existingSecret (not .hosts) (not (has "WAYBILL_WEBHOOK_HOSTS" $own)) -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.webhooks.hosts, %s."
          "producerApi.webhooks.existingSecret" "those that webhooks may call")) -}}
  {{- end -}}
{{- end -}}
{{- end }}
