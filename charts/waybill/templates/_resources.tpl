{{/* Amounts that are derived from other values, so that no two of them contradict each other. */}}

{{/* A quantity of memory (2Gi, 1500M, 1073741824) in whole MiB */}}
{{- define "waybill.mebibytes" -}}
{{- $text := toString . -}}
{{- $units := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15
  "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 -}}
{{- $number := regexFind "^[0-9.]+(e[+]?[0-9]+)?" $text -}}
{{- divf (mulf (float64 $number) (get $units (trimPrefix $number $text))) 1048576.0 | floor | int64 -}}
{{- end }}

{{/* What a worker itself may need besides its slots, in MiB */}}
{{- define "waybill.workerReserve" -}}256{{- end }}

{{/* MiB for each slot of a worker: the value, or what the limit leaves for each */}}
{{- define "waybill.slotMemory" -}}
{{- with .Values.reportWorker -}}
{{- $limit := include "waybill.mebibytes" .resources.limits.memory | int -}}
{{- $left := sub $limit (include "waybill.workerReserve" . | int) -}}
{{- .slotMemoryMiB | default (div $left .slots) | int -}}
{{- end -}}
{{- end }}

{{/* GOMEMLIMIT of the collector: 80 % of its limit, so that the runtime collects garbage before the kernel kills */}}
{{- define "waybill.goMemoryLimit" -}}
{{- $limit := include "waybill.mebibytes" .Values.collector.resources.limits.memory | int -}}
{{- .Values.collector.goMemoryLimit | default (printf "%dMiB" (div (mul $limit 80) 100)) -}}
{{- end }}
