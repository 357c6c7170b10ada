{{- define "waybill.checkKafka" -}}
{{- $wrong := index . 1 -}}
{{- $kafka := (index . 0).Values.kafka -}}
{{- if eq $kafka.mode "external" -}}
{{- include "waybill.checkExternalKafka" (list $kafka.external $wrong) -}}
{{- else -}}
{{- include "waybill.checkStrimzi" (list $kafka.strimzi $wrong) -}}
{{- end -}}
{{- $names := dict -}}
{{- range $key, $topic := $kafka.topics -}}
  {{- /* as Kafka compares them, whose metrics have no dots */}}
  {{- $name := $topic.name | replace "." "_" -}}
  {{- with get $names $name -}}
    {{- include "waybill.wrong" (list $wrong (printf "kafka.topics.%s and %s have the same name or one that %s." . $key
          "differs only in dots and underscores, which Kafka refuses")) -}}
  {{- end -}}
  {{- $_ := set $names $name $key -}}
{{- end -}}
{{- end }}

{{- define "waybill.checkExternalKafka" -}}
{{- $kafka := index . 0 -}}
{{- $wrong := index . 1 -}}
{{- $protocol := $kafka.securityProtocol -}}
{{- if not $kafka.bootstrapServers -}}
  {{- include "waybill.wrong" (list $wrong (print "kafka.mode=external needs kafka.external.bootstrapServers, "
        "host:port with commas between.")) -}}
{{- else if not (regexMatch "^[^:,]+:[0-9]+(,[^:,]+:[0-9]+)*$" ($kafka.bootstrapServers | nospace)) -}}
  {{- include "waybill.wrong" (list $wrong "kafka.external.bootstrapServers must be host:port with commas between.") -}}
{{- end -}}
{{- if hasPrefix "SASL_" $protocol -}}
  {{- if not (and $kafka.sasl.mechanism $kafka.sasl.existingSecret) -}}
    {{- include "waybill.wrong" (list $wrong (printf "kafka.external.securityProtocol=%s needs %s and %s." $protocol
          "kafka.external.sasl.mechanism" "kafka.external.sasl.existingSecret")) -}}
  {{- end -}}
{{- else if $kafka.sasl.mechanism -}}
  {{- include "waybill.wrong" (list $wrong (printf "%s is for SASL_SSL and SASL_PLAINTEXT, and %s is %s."
        "kafka.external.sasl" "kafka.external.securityProtocol" $protocol)) -}}
{{- end -}}
{{- $certificates := or $kafka.caSecret.name $kafka.certificateSecret.name -}}
{{- if and $certificates (not (hasSuffix "SSL" $protocol)) -}}
  {{- include "waybill.wrong" (list $wrong (printf "%s are for SSL and SASL_SSL, and %s is %s."
        "kafka.external.caSecret and certificateSecret" "kafka.external.securityProtocol" $protocol)) -}}
{{- end -}}
{{- end }}

{{- define "waybill.checkStrimzi" -}}
{{- $wrong := index . 1 -}}
{{- $nodes := int (index . 0).nodes -}}
{{- $replicas := int (index . 0).replicationFactor -}}
{{- $inSync := int (index . 0).minInSyncReplicas -}}
{{- if gt $replicas $nodes -}}
  {{- include "waybill.wrong" (list $wrong (printf "%s=%d needs as many %s, and there are %d."
        "kafka.strimzi.replicationFactor" $replicas "kafka.strimzi.nodes" $nodes)) -}}
{{- end -}}
{{- if gt $inSync $replicas -}}
  {{- include "waybill.wrong" (list $wrong (print "kafka.strimzi.minInSyncReplicas exceeds "
        "kafka.strimzi.replicationFactor: nothing could be written.")) -}}
{{- end -}}
{{- if and (gt $replicas 1) (eq $inSync $replicas) -}}
  {{- include "waybill.wrong" (list $wrong (print "kafka.strimzi.minInSyncReplicas equals "
        "kafka.strimzi.replicationFactor: no broker could restart without a standstill.")) -}}
{{- end -}}
{{- end }}
