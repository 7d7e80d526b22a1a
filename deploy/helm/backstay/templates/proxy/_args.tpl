{{/* The command line, as a list in JSON. Takes root, fleet and values. */}}
{{- define "backstay.proxy.args" -}}
{{- $values := .values -}}
{{- $name := include "backstay.serverNames" .root | fromJsonArray | first -}}
{{- $args := list (printf "--log-format=%s" .root.Values.logFormat) "proxy" -}}
{{- $args = append $args (printf "--control-plane=https://%s:%d" $name (int .root.Values.controlPlane.service.xdsPort)) -}}
{{- $args = concat $args (list "--ca=/etc/backstay/ca/ca.crt" "--token-file=/var/run/secrets/backstay/token") -}}
{{- $args = concat $args (list (printf "--fleet=%s" .fleet) "--node-id=$(POD_NAME)" "--state-dir=/var/lib/backstay-proxy") -}}
{{- $args = append $args (printf "--admin=127.0.0.1:%d" (int $values.adminPort)) -}}
{{- $args = append $args (printf "--monitoring=0.0.0.0:%d" (int $values.monitoringPort)) -}}
{{- if not (kindIs "invalid" $values.drainDelaySeconds) -}}
{{- $args = append $args (printf "--drain-delay=%ds" (int $values.drainDelaySeconds)) -}}
{{- end -}}
{{- $args = append $args (printf "--drain-timeout=%ds" (int $values.drainTimeoutSeconds)) -}}
{{- $args = append $args (printf "--access-log=%s" $values.accessLog) -}}
{{- with $values.threads -}}{{- $args = append $args (printf "--threads=%d" (int .)) -}}{{- end -}}
{{- range $name, $value := $values.limits -}}
{{- $args = append $args (printf "--limit=%s=%s" $name (include "backstay.limit" $value)) -}}
{{- end -}}
{{- concat $args $values.extraArgs | toJson -}}
{{- end -}}
