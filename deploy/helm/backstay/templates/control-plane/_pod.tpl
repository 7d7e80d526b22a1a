{{/* The pod of a control plane, for either kind. */}}
{{- define "backstay.controlPlane.pod" -}}
{{- $values := .Values.controlPlane -}}
{{- $store := $values.store -}}
metadata:
  labels:
    {{- include "backstay.podLabels" (dict "root" . "component" "control-plane") | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "backstay.serviceAccount" (dict "values" $values "name" (include "backstay.controlPlane" .)) }}
  # It asks the cluster whose tokens are.
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
  securityContext: {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- include "backstay.pod" (dict "root" . "values" $values "component" "control-plane") | nindent 2 }}
  {{- with $values.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: control-plane
      image: {{ include "backstay.image" (dict "root" . "image" .Values.image) }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{- include "backstay.controlPlane.args" . | fromJsonArray | toYaml | nindent 8 }}
      env:
        - {name: RUST_LOG, value: {{ .Values.logLevel | quote }}}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.envFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: api, containerPort: 7080}
        - {name: xds, containerPort: 18000}
      startupProbe: {{- include "backstay.probe" (dict "probe" $values.startupProbe "path" "/livez" "port" "api" "scheme" "HTTPS") | nindent 8 }}
      livenessProbe: {{- include "backstay.probe" (dict "probe" $values.livenessProbe "path" "/livez" "port" "api" "scheme" "HTTPS") | nindent 8 }}
      readinessProbe: {{- include "backstay.probe" (dict "probe" $values.readinessProbe "path" "/readyz" "port" "api" "scheme" "HTTPS") | nindent 8 }}
      {{- with $values.resources }}
      resources: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext: {{- toYaml $values.securityContext | nindent 8 }}
      {{- with include "backstay.controlPlane.mounts" . | fromJsonArray }}
      volumeMounts:
        {{- range . }}
        - {name: {{ .name }}, mountPath: {{ .path }}, readOnly: {{ .readOnly }}}
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- else }}
      {{- with $values.extraVolumeMounts }}
      volumeMounts: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
    {{- with $values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $volumes := list }}
  {{- range include "backstay.controlPlane.mounts" . | fromJsonArray }}
  {{- with .volume }}{{ $volumes = append $volumes . }}{{ end }}
  {{- end }}
  {{- with concat $volumes $values.extraVolumes }}
  volumes: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* What is mounted where, and out of which volume; that of a claim of a StatefulSet is no volume of the pod. */}}
{{- define "backstay.controlPlane.mounts" -}}
{{- $store := .Values.controlPlane.store -}}
{{- $mounts := list -}}
{{- if eq $store.type "redb" -}}
{{- $data := dict "name" "data" "path" "/var/lib/backstay" "readOnly" false -}}
{{- if not $store.redb.persistence.enabled -}}
{{- $_ := set $data "volume" (dict "name" "data" "emptyDir" dict) -}}
{{- end -}}
{{- $mounts = append $mounts $data -}}
{{- end -}}
{{- $secrets := list -}}
{{- $secrets = append $secrets (list "keys" (get $store $store.type).encryptionKeysSecretName) -}}
{{- if eq $store.type "etcd" -}}
{{- if $store.etcd.tls.enabled -}}
{{- $secrets = append $secrets (list "etcd-tls" $store.etcd.tls.secretName) -}}
{{- end -}}
{{- if $store.etcd.auth.user -}}
{{- $secrets = append $secrets (list "etcd-auth" $store.etcd.auth.secretName) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.tls.mode "authority" -}}
{{- $secrets = append $secrets (list "authority" .Values.tls.authority.secretName) -}}
{{- else -}}
{{- $secrets = append $secrets (list "tls" (include "backstay.tlsSecret" .)) -}}
{{- end -}}
{{- $secrets = append $secrets (list "tokens" .Values.access.tokensSecretName) -}}
{{- range $secrets -}}
{{- $name := index . 0 -}}
{{- with index . 1 -}}
{{- $volume := dict "name" $name "secret" (dict "secretName" . "defaultMode" 288) -}}
{{- $mounts = append $mounts (dict "name" $name "path" (printf "/etc/backstay/%s" $name) "readOnly" true "volume" $volume) -}}
{{- end -}}
{{- end -}}
{{- with .Values.access.rolesConfigMapName -}}
{{- $mounts = append $mounts (dict "name" "roles" "path" "/etc/backstay/roles" "readOnly" true "volume" (dict "name" "roles" "configMap" (dict "name" .))) -}}
{{- end -}}
{{- $mounts | toJson -}}
{{- end -}}
