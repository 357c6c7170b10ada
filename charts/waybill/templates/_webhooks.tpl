{{/* Webhooks, which the API calls: docs/operations.md. */}}

{{/* YAML of a list: the variables of producerApi.webhooks; none where webhooks are off */}}
{{- define "waybill.webhookEnv" -}}
{{- $variables := list -}}
{{- with .Values.producerApi.webhooks -}}
{{- if .hosts -}}
  {{- $pairs := list
    (list "HOSTS" (join "," .hosts))
    (list "PRIVATE_NETWORKS" (join "," .privateNetworks))
    (list "RETRY_SECONDS" (join "," .retrySeconds)) -}}
  {{- range $pair := $pairs -}}
    {{- with last $pair -}}
      {{- $variables = append $variables (dict "name" (printf "WAYBILL_WEBHOOK_%s" (first $pair)) "value" .) -}}
    {{- end -}}
  {{- end -}}
  {{- if .existingSecret -}}
    {{- $source := dict "secretKeyRef" (dict "name" .existingSecret "key" .secretKey) -}}
    {{- $variables = append $variables (dict "name" "WAYBILL_WEBHOOK_SECRET" "valueFrom" $source) -}}
  {{- end -}}
{{- end -}}
{{- end -}}
{{ toYaml $variables }}
{{- end }}

{{/* The ports of the receivers; empty where webhooks are off */}}
{{- define "waybill.egressWebhooks" -}}
{{- $ports := list }}
{{- range .Values.producerApi.webhooks.hosts }}
{{- $url := ternary . (printf "https://%s" .) (contains "://" .) }}
{{- $ports = append $ports (include "waybill.port" $url) }}
{{- end }}
{{- with $ports }}
# the receivers of webhooks
- ports:
    {{- range uniq . }}
    - port: {{ . }}
    {{- end }}
{{- end }}
{{- end }}
