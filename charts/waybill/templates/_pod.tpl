{{/* What every pod of ours has in common. All of it satisfies the pod security standard 'restricted'. */}}

{{/* (list $ values uid): a pod's identity and where it may run */}}
{{- define "waybill.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 1 -}}
{{- $uid := index . 2 -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "waybill.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* (list $ component): over nodes and zones as evenly as the cluster allows */}}
{{- define "waybill.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "waybill.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{/* (list $ component): volumes of a service's pod */}}
{{- define "waybill.serviceVolumes" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $scratch := ternary $root.Values.reportWorker.scratch.sizeLimit "64Mi" (eq $component "report-worker") -}}
- name: tmp
  emptyDir: {sizeLimit: {{ $scratch }}}
{{- if not $root.Values.artefacts.url }}
- name: artefacts
  persistentVolumeClaim: {claimName: {{ include "waybill.fullname" $root }}-artefacts}
{{- end }}
{{- include "waybill.kafkaVolumes" . }}
{{- if or $root.Values.development.sync (eq $root.Values.postgresql.mode "builtin") }}
- name: scripts
  configMap: {name: {{ include "waybill.fullname" $root }}-scripts}
{{- end }}
{{- if $root.Values.development.sync }}
- name: code
  emptyDir: {sizeLimit: 64Mi}
{{- end }}
{{- end }}

{{- define "waybill.serviceVolumeMounts" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
- {name: tmp, mountPath: /tmp}
{{- if not $root.Values.artefacts.url }}
- {name: artefacts, mountPath: /var/lib/waybill/artefacts{{ if eq $component "producer-api" }}, readOnly: true{{ end }}}
{{- end }}
{{- include "waybill.kafkaVolumeMounts" $root }}
{{- if $root.Values.development.sync }}
- {name: code, mountPath: /app}
- {name: scripts, mountPath: /scripts, readOnly: true}
{{- end }}
{{- end }}

{{/*
(list $ component): with the built-in PostgreSQL there is no schema yet when a release is first installed; and
`skaffold dev` copies files into a volume that holds the code, as an image's own cannot be written.
*/}}
{{- define "waybill.initContainers" -}}
{{- $root := index . 0 -}}
{{- $service := ternary $root.Values.producerApi $root.Values.reportWorker (eq (index . 1) "producer-api") -}}
{{- $common := dict
  "image" (include "waybill.image" (list $root $service.image))
  "imagePullPolicy" $root.Values.images.pullPolicy
  "securityContext" (include "waybill.containerSecurity" $root | fromYaml)
  "resources" $root.Values.migrations.resources }}
{{- if eq $root.Values.postgresql.mode "builtin" }}
- name: wait-for-schema
  command: [python, /scripts/database.py, wait]
  env: {{- include "waybill.databaseEnv" $root | nindent 4 }}
  volumeMounts:
    - {name: scripts, mountPath: /scripts, readOnly: true}
    - {name: tmp, mountPath: /tmp}
  {{- toYaml $common | nindent 2 }}
{{- end }}
{{- if $root.Values.development.sync }}
- name: copy-code
  command: [cp, -r, /app/., /code]
  volumeMounts:
    - {name: code, mountPath: /code}
  {{- toYaml $common | nindent 2 }}
{{- end }}
{{- end }}
