{{/* How a pod reaches Kafka: one place for Strimzi's Secrets and for those of a Kafka elsewhere. */}}

{{- define "waybill.kafkaSecurityProtocol" -}}
{{- if eq .Values.kafka.mode "external" }}{{ .Values.kafka.external.securityProtocol }}
{{- else if eq .Values.kafka.strimzi.authentication "tls" }}SSL
{{- else }}SASL_SSL{{ end }}
{{- end }}

{{- define "waybill.kafkaBootstrapServers" -}}
{{- if eq .Values.kafka.mode "external" }}{{ .Values.kafka.external.bootstrapServers }}
{{- else }}{{ include "waybill.fullname" . }}-kafka-bootstrap:9093{{ end }}
{{- end }}

{{/*
(list $ component) → JSON: {ca: {secret, key}, certificate: {secret, certificateKey, privateKeyKey}, sasl: {…}}
*/}}
{{- define "waybill.kafkaSecrets" -}}
{{- $root := index . 0 -}}
{{- $kafka := $root.Values.kafka -}}
{{- $secrets := dict -}}
{{- if eq $kafka.mode "strimzi" -}}
  {{- $user := include "waybill.kafkaUser" . -}}
  {{- $authority := printf "%s-cluster-ca-cert" (include "waybill.fullname" $root) -}}
  {{- $_ := set $secrets "ca" (dict "secret" $authority "key" "ca.crt") -}}
  {{- if eq $kafka.strimzi.authentication "tls" -}}
    {{- $certificate := dict "secret" $user "certificateKey" "user.crt" "privateKeyKey" "user.key" -}}
    {{- $_ := set $secrets "certificate" $certificate -}}
  {{- else -}}
    {{- $sasl := dict "mechanism" "SCRAM-SHA-512" "username" $user "secret" $user "passwordKey" "password" -}}
    {{- $_ := set $secrets "sasl" $sasl -}}
  {{- end -}}
{{- else -}}
  {{- with $kafka.external.caSecret -}}
    {{- if .name }}{{ $_ := set $secrets "ca" (dict "secret" .name "key" .key) }}{{ end -}}
  {{- end -}}
  {{- with $kafka.external.certificateSecret -}}
    {{- $keys := dict "certificateKey" .certificateKey "privateKeyKey" .privateKeyKey -}}
    {{- if .name }}{{ $_ := set $secrets "certificate" (merge (dict "secret" .name) $keys) }}{{ end -}}
  {{- end -}}
  {{- if hasPrefix "SASL_" $kafka.external.securityProtocol -}}
    {{- with $kafka.external.sasl -}}
      {{- $keys := dict "usernameKey" .usernameKey "passwordKey" .passwordKey -}}
      {{- $_ := set $secrets "sasl" (merge (dict "mechanism" .mechanism "secret" .existingSecret) $keys) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{ toJson $secrets }}
{{- end }}

{{/* (list $ component) */}}
{{- define "waybill.kafkaEnv" -}}
{{- $root := index . 0 -}}
{{- $secrets := include "waybill.kafkaSecrets" . | fromJson -}}
- {name: WAYBILL_KAFKA_BOOTSTRAP_SERVERS, value: {{ include "waybill.kafkaBootstrapServers" $root | quote }}}
- {name: WAYBILL_KAFKA_SECURITY_PROTOCOL, value: {{ include "waybill.kafkaSecurityProtocol" $root | quote }}}
{{- if $secrets.ca }}
- {name: WAYBILL_KAFKA_SSL_CA_LOCATION, value: /etc/waybill/kafka/ca.crt}
{{- end }}
{{- with $secrets.certificate }}
- name: WAYBILL_KAFKA_SSL_CERTIFICATE_PEM
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .certificateKey | quote }}}}
- name: WAYBILL_KAFKA_SSL_KEY_PEM
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .privateKeyKey | quote }}}}
{{- end }}
{{- with $secrets.sasl }}
- {name: WAYBILL_KAFKA_SASL_MECHANISM, value: {{ .mechanism | quote }}}
{{- if .username }}
- {name: WAYBILL_KAFKA_SASL_USERNAME, value: {{ .username | quote }}}
{{- else }}
- name: WAYBILL_KAFKA_SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .usernameKey | quote }}}}
{{- end }}
- name: WAYBILL_KAFKA_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .passwordKey | quote }}}}
{{- end }}
- {name: WAYBILL_KAFKA_GROUP, value: {{ $root.Values.kafka.group | quote }}}
- {name: WAYBILL_KAFKA_GROUP_PROTOCOL, value: {{ $root.Values.kafka.groupProtocol | quote }}}
- {name: WAYBILL_KAFKA_TOPIC_REPORT, value: {{ $root.Values.kafka.topics.report.name | quote }}}
- {name: WAYBILL_KAFKA_TOPIC_REPORT_STATUS, value: {{ $root.Values.kafka.topics.reportStatus.name | quote }}}
- {name: WAYBILL_KAFKA_TOPIC_REPORT_DEAD_LETTER, value: {{ $root.Values.kafka.topics.reportDeadLetter.name | quote }}}
{{- end }}

{{/* (list $ component): the brokers' CA. Nothing secret is mounted: jobs in a worker's slots could read it */}}
{{- define "waybill.kafkaVolumes" -}}
{{- $secrets := include "waybill.kafkaSecrets" . | fromJson }}
{{- with $secrets.ca }}
- name: kafka
  secret: {secretName: {{ .secret | quote }}, defaultMode: 0440, items: [{key: {{ .key | quote }}, path: ca.crt}]}
{{- end }}
{{- end }}

{{- define "waybill.kafkaVolumeMounts" -}}
{{- $secrets := include "waybill.kafkaSecrets" (list . "any") | fromJson }}
{{- if $secrets.ca }}
- {name: kafka, mountPath: /etc/waybill/kafka, readOnly: true}
{{- end }}
{{- end }}

{{/* The ports of a Kafka elsewhere, for network policies: a JSON list under "ports" */}}
{{- define "waybill.kafkaExternalPorts" -}}
{{- $ports := list -}}
{{- range $server := splitList "," .Values.kafka.external.bootstrapServers -}}
  {{- $ports = append $ports (regexFind "[0-9]+$" (trim $server) | int) -}}
{{- end -}}
{{ toJson (dict "ports" (uniq $ports)) }}
{{- end }}

{{/* Kafka's own settings; whole numbers as such, as Helm's YAML writes 604800000 as 6.048e+08 */}}
{{- define "waybill.kafkaSettings" -}}
{{- range $name, $value := . }}
{{- $whole := and (kindIs "float64" $value) (eq (floor $value) $value) }}
{{ $name }}: {{ if $whole }}{{ int64 $value }}{{ else }}{{ toJson $value }}{{ end }}
{{- end }}
{{- end }}

{{/*
(list $ topic): the name of its KafkaTopic. Kafka allows more in a name than Kubernetes does; a digest keeps topics
apart whose names would become the same.
*/}}
{{- define "waybill.topicResource" -}}
{{- $topic := index . 1 -}}
{{- $name := $topic -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$" $topic) -}}
  {{- $readable := regexReplaceAll "[^a-z0-9]+" (lower $topic) "-" | trimAll "-" | trunc 180 -}}
  {{- $name = printf "%s-%s" $readable (sha256sum $topic | trunc 8) | trimPrefix "-" -}}
{{- end -}}
{{ include "waybill.fullname" (index . 0) }}-{{ $name }}
{{- end }}
