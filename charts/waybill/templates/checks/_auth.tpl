{{/* What a published API needs, and what each sort of credentials needs, be it here or in extraEnv. */}}
{{- define "waybill.checkAuth" -}}
{{- $api := (index . 0).Values.producerApi -}}
{{- $wrong := index . 1 -}}
{{- $accepted := (include "waybill.accepted" (index . 0) | fromJson).credentials -}}
{{- $own := list -}}
{{- range $api.extraEnv }}{{ $own = append $own .name }}{{ end -}}
{{- $published := list -}}
{{- if $api.ingress.enabled }}{{ $published = append $published "producerApi.ingress.enabled" }}{{ end -}}
{{- if $api.httpRoute.enabled }}{{ $published = append $published "producerApi.httpRoute.enabled" }}{{ end -}}
{{- if ne $api.service.type "ClusterIP" -}}
  {{- $published = append $published (printf "producerApi.service.type=%s" $api.service.type) -}}
{{- end -}}
{{- if and $published (not $accepted) (not $api.auth.openToAll) -}}
  {{- include "waybill.wrong" (list $wrong (printf "%s %s. %s, %s. %s." (join " and " $published)
        "would open the API to all, as it asks for no credentials (producerApi.auth.accept is empty)"
        "Set producerApi.auth.accept to key, proxy or oidc" "or producerApi.auth.openToAll=true if that is intended"
        "Any client that reaches it can then see, cancel and retry all reports")) -}}
{{- end -}}
{{- if and (has "proxy" $accepted) (not $api.trustedProxies) (not (has "WAYBILL_TRUSTED_PROXIES" $own)) -}}
  {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.trustedProxies, %s."
        "producerApi.auth.accept: proxy" "the addresses of the proxies whose headers say who asks")) -}}
{{- end -}}
{{- with $api.auth.oidc -}}
  {{- if has "oidc" $accepted -}}
    {{- if and (not .issuers) (not (has "WAYBILL_OIDC_ISSUERS" $own)) -}}
      {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.auth.oidc.issuers, %s."
            "producerApi.auth.accept: oidc" "the https URLs of those whose tokens are accepted")) -}}
    {{- end -}}
    {{- if and (not .audience) (not (has "WAYBILL_OIDC_AUDIENCE" $own)) -}}
      {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.auth.oidc.audience, %s."
            "producerApi.auth.accept: oidc" "by which a token is for Waybill and not for another service")) -}}
    {{- end -}}
  {{- end -}}
  {{- if and (gt (len .issuers) 1) (not .ownerClaim) (not (has "WAYBILL_OIDC_OWNER_CLAIM" $own)) -}}
    {{- include "waybill.wrong" (list $wrong (printf "Several %s need producerApi.auth.oidc.ownerClaim: %s."
          "producerApi.auth.oidc.issuers" "the same `sub` may be another person at another issuer")) -}}
  {{- end -}}
{{- end -}}
{{- with $api.auth.signIn -}}
  {{- if .clientId -}}
    {{- if not (or (has "oidc" $accepted) (has "WAYBILL_AUTH" $own)) -}}
      {{- include "waybill.wrong" (list $wrong (printf "%s needs oidc in producerApi.auth.accept: %s."
            "producerApi.auth.signIn.clientId" "browsers sign in at the issuers whose tokens are accepted")) -}}
    {{- end -}}
    {{- if not (or (and .existingSecret .sessionSecretKey) (has "WAYBILL_SESSION_SECRET" $own)) -}}
      {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.auth.signIn.existingSecret, %s."
            "producerApi.auth.signIn.clientId" "the Secret with what signs browsers' sessions")) -}}
    {{- end -}}
  {{- else if and .existingSecret (not (has "WAYBILL_OIDC_CLIENT_ID" $own)) -}}
    {{- include "waybill.wrong" (list $wrong (printf "%s needs producerApi.auth.signIn.clientId, %s."
          "producerApi.auth.signIn.existingSecret" "by which the issuers know this service")) -}}
  {{- end -}}
{{- end -}}
{{- end }}
