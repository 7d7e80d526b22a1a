{{/* The command line, as a list in JSON. */}}
{{- define "backstay.controlPlane.args" -}}
{{- $values := .Values.controlPlane -}}
{{- $namespace := include "backstay.namespace" . -}}
{{- $args := list (printf "--log-format=%s" .Values.logFormat) "control-plane" "--api=0.0.0.0:7080" "--xds=0.0.0.0:18000" -}}
{{- if eq $values.store.type "etcd" -}}
{{- $args = append $args (printf "--store=%s" (include "backstay.etcd" .)) -}}
{{- /* Of one alone, nobody takes over meanwhile. */}}
{{- if not (kindIs "invalid" $values.drainDelaySeconds) -}}
{{- $args = append $args (printf "--drain-delay=%ds" (int $values.drainDelaySeconds)) -}}
{{- end -}}
{{- else -}}
{{- $args = append $args "--data-dir=/var/lib/backstay" -}}
{{- end -}}
{{- if (get $values.store $values.store.type).encryptionKeysSecretName -}}
{{- $args = append $args "--encryption-key-file=/etc/backstay/keys/keys" -}}
{{- end -}}
{{- if eq .Values.tls.mode "authority" -}}
{{- if .Values.tls.authority.secretName -}}
{{- $args = concat $args (list "--ca-cert=/etc/backstay/authority/tls.crt" "--ca-key=/etc/backstay/authority/tls.key") -}}
{{- else -}}
{{- $args = append $args "--authority" -}}
{{- end -}}
{{- range include "backstay.serverNames" . | fromJsonArray -}}
{{- $args = append $args (printf "--tls-name=%s" .) -}}
{{- end -}}
{{- $args = append $args (printf "--publish-ca=%s/%s" $namespace (include "backstay.caConfigMap" .)) -}}
{{- $args = append $args "--publish-ca-kubeconfig=in-cluster" -}}
{{- else -}}
{{- $args = concat $args (list "--tls-cert=/etc/backstay/tls/tls.crt" "--tls-key=/etc/backstay/tls/tls.key") -}}
{{- end -}}
{{- range $fleet := keys .Values.fleets | sortAlpha -}}
{{- $proxy := include "backstay.fleet" (dict "root" $ "fleet" $fleet) | fromJson -}}
{{- $account := include "backstay.serviceAccount" (dict "values" $proxy "name" (include "backstay.proxy" (dict "root" $ "fleet" $fleet))) -}}
{{- $args = append $args (printf "--proxy-service-account=%s/%s=%s" $namespace $account $fleet) -}}
{{- end -}}
{{- $args = append $args "--proxy-token-kubeconfig=in-cluster" -}}
{{- with .Values.access -}}
{{- if .kubernetes.enabled -}}
{{- $args = append $args "--token-review-kubeconfig=in-cluster" -}}
{{- if not .rolesConfigMapName -}}
{{- $args = append $args "--access-review-kubeconfig=in-cluster" -}}
{{- end -}}
{{- else if not .tokensSecretName -}}
{{- fail "access: nobody could use the API: leave access.kubernetes.enabled, or name a Secret with tokens.yaml in access.tokensSecretName" -}}
{{- end -}}
{{- if .tokensSecretName -}}
{{- $args = append $args "--tokens=/etc/backstay/tokens/tokens.yaml" -}}
{{- end -}}
{{- if .rolesConfigMapName -}}
{{- $args = append $args "--authorization=/etc/backstay/roles/roles.yaml" -}}
{{- end -}}
{{- if .auditLog -}}
{{- $args = append $args (printf "--audit-log=%s" .auditLog) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $values.limits -}}
{{- $args = append $args (printf "--limit=%s=%s" $name (include "backstay.limit" $value)) -}}
{{- end -}}
{{- concat $args $values.extraArgs | toJson -}}
{{- end -}}

{{/* Large numbers of YAML are floating-point numbers to Helm, which would write 1e+06. */}}
{{- define "backstay.limit" -}}
{{- if kindIs "float64" . -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}

{{- define "backstay.etcd" -}}
{{- $etcd := .Values.controlPlane.store.etcd -}}
{{- if not $etcd.endpoints -}}
{{- fail "controlPlane.store.etcd.endpoints: name every member as HOST:PORT; this chart brings no etcd" -}}
{{- end -}}
{{- $options := list -}}
{{- with $etcd.tls -}}
{{- if .enabled -}}
{{- if .secretName -}}
{{- $options = append $options "ca=/etc/backstay/etcd-tls/ca.crt" -}}
{{- if .clientCertificate -}}
{{- $options = concat $options (list "cert=/etc/backstay/etcd-tls/tls.crt" "key=/etc/backstay/etcd-tls/tls.key") -}}
{{- end -}}
{{- end -}}
{{- with .serverName -}}{{- $options = append $options (printf "server-name=%s" .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- with $etcd.auth -}}
{{- if .user -}}
{{- $secret := required "controlPlane.store.etcd.auth.secretName: name a Secret with the key password" .secretName -}}
{{- $options = concat $options (list (printf "user=%s" .user) "password-file=/etc/backstay/etcd-auth/password") -}}
{{- end -}}
{{- end -}}
{{- with $etcd.maxTxnOps -}}{{- $options = append $options (printf "max-txn-ops=%s" (include "backstay.limit" .)) -}}{{- end -}}
{{- with $etcd.maxRequestBytes -}}{{- $options = append $options (printf "max-request-bytes=%s" (include "backstay.limit" .)) -}}{{- end -}}
{{- $scheme := $etcd.tls.enabled | ternary "etcds" "etcd" -}}
{{- printf "%s://%s/%s" $scheme (join "," $etcd.endpoints) (trimPrefix "/" $etcd.prefix) -}}
{{- with $options -}}?{{- join "&" . -}}{{- end -}}
{{- end -}}
