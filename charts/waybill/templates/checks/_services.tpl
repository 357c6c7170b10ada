{{- define "waybill.checkServices" -}}
{{- $values := (index . 0).Values -}}
{{- $wrong := index . 1 -}}
{{- range $key, $service := dict "producerApi" $values.producerApi "reportWorker" $values.reportWorker -}}
  {{- $grace := int $service.terminationGracePeriodSeconds -}}
  {{- $needed := add (int $service.preStopSeconds) (int $service.drainSeconds) | int -}}
  {{- if le $grace $needed -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s.%s=%d must be longer than %s = %d, %s."
          $key "terminationGracePeriodSeconds" $grace "preStopSeconds + drainSeconds" $needed
          "or the pod is killed while it drains")) -}}
  {{- end -}}
{{- end -}}
{{- with $values.producerApi -}}
  {{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
    {{- include "waybill.wrong" (list $wrong "producerApi.autoscaling.minReplicas exceeds maxReplicas.") -}}
  {{- end -}}
  {{- if and .ingress.enabled (not .ingress.host) -}}
    {{- include "waybill.wrong" (list $wrong "producerApi.ingress.enabled needs producerApi.ingress.host.") -}}
  {{- end -}}
  {{- if and .httpRoute.enabled (not .httpRoute.parentRefs) -}}
    {{- include "waybill.wrong" (list $wrong (print "producerApi.httpRoute.enabled needs "
          "producerApi.httpRoute.parentRefs: the Gateway it belongs to.")) -}}
  {{- end -}}
{{- end -}}
{{- with $values.reportWorker.keda -}}
  {{- $max := int .maxReplicas -}}
  {{- $partitions := int $values.kafka.topics.report.partitions -}}
  {{- if and .enabled (gt (int .minReplicas) $max) -}}
    {{- include "waybill.wrong" (list $wrong "reportWorker.keda.minReplicas exceeds maxReplicas.") -}}
  {{- end -}}
  {{- if and .enabled (eq $values.kafka.mode "strimzi") (gt $max $partitions) -}}
    {{- include "waybill.wrong" (list $wrong (printf "reportWorker.keda.maxReplicas=%d exceeds %s=%d: %s."
          $max "kafka.topics.report.partitions" $partitions "workers beyond that get nothing to do")) -}}
  {{- end -}}
{{- end -}}
{{- end }}
