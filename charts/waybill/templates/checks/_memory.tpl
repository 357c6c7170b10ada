{{/* What is limited twice, by the container and by what runs in it. */}}
{{- define "waybill.checkMemory" -}}
{{- $root := index . 0 -}}
{{- $wrong := index . 1 -}}
{{- include "waybill.checkSlots" . -}}
{{- with $root.Values.collector -}}
  {{- $limit := include "waybill.mebibytes" .resources.limits.memory | int -}}
  {{- $given := .goMemoryLimit | replace "B" "" -}}
  {{- if and (ne .mode "external") $given (gt (include "waybill.mebibytes" $given | int) $limit) -}}
    {{- include "waybill.wrong" (list $wrong (printf "collector.goMemoryLimit=%s exceeds %s=%v: %s." .goMemoryLimit
          "collector.resources.limits.memory" .resources.limits.memory "leave it empty for 80 % of that")) -}}
  {{- end -}}
{{- end -}}
{{- with $root.Values.kafka.strimzi -}}
  {{- $limit := include "waybill.mebibytes" .resources.limits.memory | int -}}
  {{- $heap := include "waybill.mebibytes" (printf "%si" (upper .heap)) | int -}}
  {{- if and (eq $root.Values.kafka.mode "strimzi") (ge $heap $limit) -}}
    {{- include "waybill.wrong" (list $wrong (printf "kafka.strimzi.heap=%s must be smaller than %s=%v: %s." .heap
          "kafka.strimzi.resources.limits.memory" .resources.limits.memory "or the broker is killed")) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* Of a worker, as its container will see them: extraEnv wins. */}}
{{- define "waybill.checkSlots" -}}
{{- $root := index . 0 -}}
{{- $wrong := index . 1 -}}
{{- $minimum := 256 -}}
{{- with $root.Values.reportWorker -}}
  {{- $slots := int .slots -}}
  {{- $each := include "waybill.slotMemory" $root | int -}}
  {{- range .extraEnv -}}
    {{- if and .value (eq .name "WAYBILL_SLOTS") }}{{ $slots = int .value }}{{ end -}}
    {{- if and .value (eq .name "WAYBILL_SLOT_MEMORY_MIB") }}{{ $each = int .value }}{{ end -}}
  {{- end -}}
  {{- $limit := include "waybill.mebibytes" .resources.limits.memory | int -}}
  {{- $reserve := include "waybill.workerReserve" . | int -}}
  {{- $needed := add (mul $slots $each) $reserve | int -}}
  {{- if lt $each $minimum -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s=%v leaves %d MiB for each of %d slots, %s %d: %s."
          "reportWorker.resources.limits.memory" .resources.limits.memory $each $slots "less than" $minimum
          "raise it, or set fewer slots")) -}}
  {{- else if gt $needed $limit -}}
    {{- include "waybill.wrong" (list $wrong (printf "%d slots of %d MiB and %d MiB for the worker exceed %s=%v: %s."
          $slots $each $reserve "reportWorker.resources.limits.memory" .resources.limits.memory
          "raise it, or set fewer slots or a smaller reportWorker.slotMemoryMiB")) -}}
  {{- end -}}
{{- end -}}
{{- end }}
