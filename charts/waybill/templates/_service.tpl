{{/*
The Deployment of one of our services: (list $ component). `waybill.serviceTraits` has what differs.
*/}}
{{- define "waybill.serviceDeployment" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $service := include "waybill.serviceTraits" . | fromYaml -}}
{{- $values := index $root.Values $service.values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "waybill.fullname" $root }}-{{ $component }}
  labels: {{- include "waybill.labels" . | nindent 4 }}
spec:
  {{- if not $service.scaled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{- include "waybill.selector" . | nindent 6 }}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  template:
    metadata:
      {{- $labels := include "waybill.selector" . | fromYaml }}
      labels: {{- merge $labels $values.podLabels | toYaml | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "waybill.fullname" $root }}-{{ $component }}
      {{- include "waybill.pod" (list $root $values 10001 (include "waybill.spread" .)) | nindent 6 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      {{- with include "waybill.initContainers" . | trim }}
      initContainers: {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $component }}
          image: {{ include "waybill.image" (list $root $values.image) | quote }}
          imagePullPolicy: {{ $root.Values.images.pullPolicy }}
          {{- if $root.Values.development.sync }}
          command: [python, /scripts/reload.py, {{ $component }}]
          {{- end }}
          ports:
            {{- range $service.ports }}
            - {name: {{ .name }}, containerPort: {{ .number }}}
            {{- end }}
          env: {{- include "waybill.env" (list (include "waybill.serviceEnv" .) $values.extraEnv) | nindent 12 }}
          {{- with include "waybill.artefactEnvFrom" $root }}{{ trim . | nindent 10 }}{{ end }}
          startupProbe:
            httpGet: {path: /healthz, port: health}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /healthz, port: health}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: health}
            periodSeconds: 3
            timeoutSeconds: 5
          lifecycle:
            preStop:
              sleep: {seconds: {{ $values.preStopSeconds }}}
          securityContext: {{- include "waybill.containerSecurity" $root | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts: {{- include "waybill.serviceVolumeMounts" . | nindent 12 }}
      volumes: {{- include "waybill.serviceVolumes" . | nindent 8 }}
{{- end }}

{{/*
(list $ component) → YAML: `values`, the key of its values; `scaled`, whether an autoscaler sets its replicas; `ports`,
of which `health` is for the probes alone; `env`, its own settings, each with a value or with valueFrom.
*/}}
{{- define "waybill.serviceTraits" -}}
{{- $values := (index . 0).Values -}}
{{- if eq (index . 1) "producer-api" -}}
values: producerApi
scaled: {{ $values.producerApi.autoscaling.enabled }}
ports:
  - {name: {{ include "waybill.apiScheme" (index . 0) }}, number: 8080}
  - {name: health, number: 8082}
env:
  - {name: WAYBILL_LISTEN, value: "0.0.0.0:8080"}
  - {name: WAYBILL_HEALTH_LISTEN, value: "0.0.0.0:8082"}
  {{- with include "waybill.apiTlsEnv" (index . 0) | trim }}{{ . | nindent 2 }}{{ end }}
  - {name: WAYBILL_ALLOWED_HOSTS, value: {{ include "waybill.allowedHosts" (index . 0) | quote }}}
  {{- with $values.producerApi.trustedProxies }}
  - {name: WAYBILL_TRUSTED_PROXIES, value: {{ join "," . | quote }}}
  {{- end }}
  {{- with $values.producerApi.pathPrefix }}
  - {name: WAYBILL_PATH_PREFIX, value: {{ . | quote }}}
  {{- end }}
  {{- if $values.artefacts.url }}
  - {name: WAYBILL_ARTEFACT_DOWNLOADS, value: {{ $values.artefacts.downloads | quote }}}
  - {name: WAYBILL_ARTEFACT_ADDRESS_SECONDS, value: {{ int $values.artefacts.addressSeconds | quote }}}
  {{- end }}
  {{- range include "waybill.authEnv" (index . 0) | fromYamlArray }}
  - {{ toJson . }}
  {{- end }}
  {{- range include "waybill.webhookEnv" (index . 0) | fromYamlArray }}
  - {{ toJson . }}
  {{- end }}
  {{- with include "waybill.jaegerQueryUrl" (index . 0) }}
  - {name: WAYBILL_JAEGER_URL, value: {{ . | quote }}}
  {{- end }}
  {{- with $values.tracing.pages.jaegerUrl }}
  - {name: WAYBILL_JAEGER_PUBLIC_URL, value: {{ . | quote }}}
  {{- end }}
  {{- with include "waybill.queryEnv" . | trim }}{{ . | nindent 2 }}{{ end }}
  - {name: WAYBILL_HTTP_WORKERS, value: {{ $values.producerApi.httpWorkers | quote }}}
  - {name: WAYBILL_HTTP_THREADS, value: {{ $values.producerApi.httpThreads | quote }}}
{{- else -}}
values: reportWorker
scaled: {{ $values.reportWorker.keda.enabled }}
ports: [{name: health, number: 8081}]
env:
  - {name: WAYBILL_HEALTH_LISTEN, value: "0.0.0.0:8081"}
  - {name: WAYBILL_SLOTS, value: {{ $values.reportWorker.slots | quote }}}
  - {name: WAYBILL_SLOT_MEMORY_MIB, value: {{ include "waybill.slotMemory" (index . 0) | quote }}}
  {{- with include "waybill.queryEnv" . | trim }}{{ . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}

{{/*
The names of the API: its Service's, and those of Ingress and HTTPRoute, which takes any where it has none.
*/}}
{{- define "waybill.allowedHosts" -}}
{{- $api := .Values.producerApi -}}
{{- $service := printf "%s-producer-api.%s" (include "waybill.fullname" .) .Release.Namespace -}}
{{- $hosts := concat (list $service) $api.allowedHosts -}}
{{- if $api.ingress.enabled }}{{ $hosts = append $hosts $api.ingress.host }}{{ end -}}
{{- if $api.httpRoute.enabled }}{{ $hosts = concat $hosts ($api.httpRoute.hostnames | default (list "*")) }}{{ end -}}
{{- $hosts | uniq | join "," -}}
{{- end }}
