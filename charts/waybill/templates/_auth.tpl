{{/* By what the API knows its clients: docs/security.md. */}}

{{/* YAML of a list: the variables of producerApi.auth. What is not set has none: the service's default counts. */}}
{{- define "waybill.authEnv" -}}
{{- $auth := .Values.producerApi.auth -}}
{{- $oidc := $auth.oidc -}}
{{- $roles := list -}}
{{- range $theirs, $ours := $oidc.roles -}}
  {{- range $ours }}{{ $roles = append $roles (printf "%s=%s" $theirs .) }}{{ end -}}
{{- end -}}
{{- $hours := $auth.signIn.sessionHours -}}
{{- $skew := ternary "" (toString $oidc.clockSkewSeconds) (kindIs "invalid" $oidc.clockSkewSeconds) -}}
{{- $pairs := list
  (list "AUTH" (join "," $auth.accept))
  (list "PROXY_USER_HEADER" $auth.proxy.userHeader)
  (list "PROXY_TENANT_HEADER" $auth.proxy.tenantHeader)
  (list "PROXY_ROLES_HEADER" $auth.proxy.rolesHeader)
  (list "OIDC_ISSUERS" (join "," $oidc.issuers))
  (list "OIDC_AUDIENCE" $oidc.audience)
  (list "OIDC_ALGORITHMS" (join "," $oidc.algorithms))
  (list "OIDC_OWNER_CLAIM" $oidc.ownerClaim)
  (list "OIDC_TENANT_CLAIM" $oidc.tenantClaim)
  (list "OIDC_ROLES_CLAIM" $oidc.rolesClaim)
  (list "OIDC_ROLES" (join "," $roles))
  (list "OIDC_DEFAULT_ROLES" (join "," $oidc.defaultRoles))
  (list "OIDC_CLOCK_SKEW_SECONDS" $skew)
  (list "OIDC_CLIENT_ID" $auth.signIn.clientId)
  (list "OIDC_SCOPES" $auth.signIn.scopes)
  (list "SESSION_HOURS" (ternary "" (toString $hours) (kindIs "invalid" $hours))) -}}
{{- $variables := list -}}
{{- range $pair := $pairs -}}
  {{- with last $pair -}}
    {{- $variables = append $variables (dict "name" (printf "WAYBILL_%s" (first $pair)) "value" .) -}}
  {{- end -}}
{{- end -}}
{{- with $auth.signIn -}}
  {{- $keys := dict "OIDC_CLIENT_SECRET" .clientSecretKey "SESSION_SECRET" .sessionSecretKey -}}
  {{- range $name, $key := ternary $keys dict (ne .existingSecret "") -}}
    {{- if $key -}}
      {{- $source := dict "secretKeyRef" (dict "name" $auth.signIn.existingSecret "key" $key) -}}
      {{- $variables = append $variables (dict "name" (printf "WAYBILL_%s" $name) "valueFrom" $source) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{ toYaml $variables }}
{{- end }}

{{/*
What the API's container accepts: a JSON list under "credentials", empty for `none`. extraEnv wins; what it takes from a
Secret or ConfigMap cannot be read here, and is taken for a credential.
*/}}
{{- define "waybill.accepted" -}}
{{- $accepted := .Values.producerApi.auth.accept -}}
{{- range .Values.producerApi.extraEnv -}}
  {{- if eq .name "WAYBILL_AUTH" -}}
    {{- $accepted = .value | default "none" | nospace | splitList "," -}}
    {{- if .valueFrom }}{{ $accepted = list "unknown" }}{{ end -}}
  {{- end -}}
{{- end -}}
{{ toJson (dict "credentials" (without $accepted "none" "")) }}
{{- end }}

{{/* Whether the API accepts tokens, of which `helm test` can have one: "true", or empty */}}
{{- define "waybill.acceptsTokens" -}}
{{- $accepted := (include "waybill.accepted" . | fromJson).credentials -}}
{{- if or (has "key" $accepted) (has "oidc" $accepted) (has "unknown" $accepted) }}true{{ end -}}
{{- end }}
