{{/* The operators that the values need, by the APIs that they bring. */}}
{{- define "waybill.checkApis" -}}
{{- $strimzi := dict "api" "kafka.strimzi.io/v1" "value" "kafka.mode=strimzi" -}}
{{- $_ := set $strimzi "needed" (eq .Values.kafka.mode "strimzi") -}}
{{- $_ := set $strimzi "remedy" (printf "Install Strimzi 1.0 or newer (charts/waybill-platform), or %s"
      "set kafka.mode=external") -}}
{{- $jaeger := dict "api" "jaegertracing.io/v1" "value" "tracing.backend=jaeger-operator" -}}
{{- $_ := set $jaeger "needed" (eq .Values.tracing.backend "jaeger-operator") -}}
{{- $_ := set $jaeger "remedy" (printf "Install the Jaeger operator (charts/waybill-platform), or %s"
      "set tracing.backend=jaeger") -}}
{{- $traces := dict "api" "opentelemetry.io/v1beta1" "value" "tracing.backend=otel-operator" -}}
{{- $_ := set $traces "needed" (eq .Values.tracing.backend "otel-operator") -}}
{{- $_ := set $traces "remedy" (printf "Install the OpenTelemetry operator (charts/waybill-platform), or %s"
      "set tracing.backend=jaeger") -}}
{{- $collector := dict "api" "opentelemetry.io/v1beta1" "value" "collector.mode=operator" -}}
{{- $_ := set $collector "needed" (eq .Values.collector.mode "operator") -}}
{{- $_ := set $collector "remedy" (printf "Install the OpenTelemetry operator (charts/waybill-platform), or %s"
      "set collector.mode=deployment") -}}
{{- $keda := dict "api" "keda.sh/v1alpha1" "value" "reportWorker.keda.enabled" -}}
{{- $_ := set $keda "needed" .Values.reportWorker.keda.enabled -}}
{{- $_ := set $keda "remedy" "Install KEDA, or set reportWorker.keda.enabled=false" -}}
{{- $prometheus := dict "api" "monitoring.coreos.com/v1" "value" "serviceMonitor.enabled" -}}
{{- $_ := set $prometheus "needed" .Values.serviceMonitor.enabled -}}
{{- $_ := set $prometheus "remedy" "Install the Prometheus operator, or set serviceMonitor.enabled=false" -}}
{{- $gateway := dict "api" "gateway.networking.k8s.io/v1" "value" "producerApi.httpRoute.enabled" -}}
{{- $_ := set $gateway "needed" .Values.producerApi.httpRoute.enabled -}}
{{- $_ := set $gateway "remedy" "Install the Gateway API, or set producerApi.httpRoute.enabled=false" -}}
{{- range list $strimzi $jaeger $traces $collector $keda $prometheus $gateway -}}
{{- if and .needed (not ($.Capabilities.APIVersions.Has .api)) -}}
{{- $sentence := printf "%s needs %s, which this cluster does not serve. %s." .value .api .remedy -}}
{{- fail (printf "\n\n%s (`helm template` does not query a cluster: add --api-versions %s.)\n" $sentence .api) -}}
{{- end -}}
{{- end -}}
{{- end }}
