{{/* What every pod of ours has in common. All of it satisfies the pod security standard 'restricted'. */}}

{{/* (list $ values uid spread): identity and placement of a pod. `spread` is optional: for when no value says more */}}
{{- define "waybill.pod" -}}
{{- $root := index . 0 -}}
{{- $where := include "waybill.scheduling" . | fromYaml -}}
{{- if and (gt (len .) 3) (not $where.topologySpreadConstraints) -}}
  {{- $_ := set $where "topologySpreadConstraints" (index . 3 | fromYamlArray) -}}
{{- end -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "waybill.podSecurity" (list $root (index . 2)) | nindent 2 }}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $where }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (list $ uid); OpenShift gives each namespace user and group ids of its own, and refuses others */}}
{{- define "waybill.podSecurity" -}}
runAsNonRoot: true
{{- if not (index . 0).Values.podSecurity.arbitraryIds }}
runAsUser: {{ index . 1 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* (list $ values): each field of a pod's placement that is set, in the component's values or for all of them */}}
{{- define "waybill.scheduling" -}}
{{- $where := dict -}}
{{- $values := index . 1 -}}
{{- range $field, $common := (index . 0).Values.scheduling -}}
  {{- with get $values $field | default $common }}{{ $_ := set $where $field . }}{{ end -}}
{{- end -}}
{{ if $where }}{{ toYaml $where }}{{ end }}
{{- end }}

{{/* (list $ values): the same for operators that know no nodeSelector, which becomes a part of the affinity */}}
{{- define "waybill.schedulingWithoutSelector" -}}
{{- $where := include "waybill.scheduling" . | fromYaml -}}
{{- $expressions := list -}}
{{- range $label, $value := $where.nodeSelector -}}
  {{- $expressions = append $expressions (dict "key" $label "operator" "In" "values" (list $value)) -}}
{{- end -}}
{{- if $expressions -}}
  {{- $affinity := $where.affinity | default dict -}}
  {{- $node := $affinity.nodeAffinity | default dict -}}
  {{- $required := $node.requiredDuringSchedulingIgnoredDuringExecution | default dict -}}
  {{- $terms := list -}}
  {{- range $required.nodeSelectorTerms | default (list dict) -}}
    {{- $all := concat (.matchExpressions | default list) $expressions -}}
    {{- $terms = append $terms (merge (dict "matchExpressions" $all) .) -}}
  {{- end -}}
  {{- $_ := set $node "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) -}}
  {{- $_ := set $affinity "nodeAffinity" $node -}}
  {{- $_ := set $where "affinity" $affinity -}}
{{- end -}}
{{ with omit $where "nodeSelector" }}{{ toYaml . }}{{ end }}
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
  emptyDir: {sizeLimit: {{ $scratch | quote }}}
{{- if not $root.Values.artefacts.url }}
- name: artefacts
  persistentVolumeClaim: {claimName: {{ include "waybill.fullname" $root }}-artefacts}
{{- end }}
{{- include "waybill.kafkaVolumes" . }}
{{- include "waybill.serviceTlsVolumes" . }}
{{- include "waybill.queryVolumes" . }}
{{- if or $root.Values.development.sync (eq $root.Values.postgresql.mode "builtin") }}
- name: scripts
  configMap: {name: {{ include "waybill.fullname" $root }}-scripts}
{{- end }}
{{- if $root.Values.development.sync }}
- name: code
  emptyDir: {sizeLimit: 64Mi}
{{- end }}
{{- end }}

{{/* (list $ component) */}}
{{- define "waybill.serviceVolumeMounts" -}}
{{- $root := index . 0 -}}
- {name: tmp, mountPath: /tmp}
{{- if not $root.Values.artefacts.url }}
- {name: artefacts, mountPath: /var/lib/waybill/artefacts}
{{- end }}
{{- include "waybill.kafkaVolumeMounts" $root }}
{{- include "waybill.certificateMounts" (list (include "waybill.serviceTlsVolumes" .)) }}
{{- include "waybill.queryMounts" . }}
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
  env: {{- include "waybill.hookEnv" (list $root (include "waybill.databaseEnv" (list $root "migrate"))) | nindent 4 }}
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
