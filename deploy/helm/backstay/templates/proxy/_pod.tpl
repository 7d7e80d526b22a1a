{{/* The pod of a proxy. Takes root, fleet, name and values. */}}
{{- define "backstay.proxy.pod" -}}
{{- $values := .values -}}
{{- $low := include "backstay.hasLowPort" $values -}}
{{- $security := deepCopy $values.securityContext -}}
{{- if $low -}}
{{- $capabilities := default dict $security.capabilities -}}
{{- $add := append (default list $capabilities.add) "NET_BIND_SERVICE" | uniq -}}
{{- $_ := set $security "capabilities" (merge (dict "add" $add) $capabilities) -}}
{{- end -}}
{{- $podSecurity := deepCopy $values.podSecurityContext -}}
{{- if and $low (not $values.hostNetwork) -}}
{{- $sysctls := append (default list $podSecurity.sysctls) (dict "name" "net.ipv4.ip_unprivileged_port_start" "value" "0") -}}
{{- $_ := set $podSecurity "sysctls" $sysctls -}}
{{- end -}}
metadata:
  labels:
    {{- include "backstay.podLabels" (dict "root" .root "component" "proxy" "fleet" .fleet) | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "backstay.serviceAccount" (dict "values" $values "name" .name) }}
  # It has a token for the control plane, and none for the cluster.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # What it may take: that readiness fails and others notice, that requests end, and some.
  terminationGracePeriodSeconds: {{ add (int (default 0 $values.drainDelaySeconds)) (int $values.drainTimeoutSeconds) 5 }}
  {{- if $values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with default ($values.hostNetwork | ternary "ClusterFirstWithHostNet" "") $values.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  securityContext: {{- toYaml $podSecurity | nindent 4 }}
  {{- include "backstay.pod" (dict "root" .root "values" $values "component" "proxy" "fleet" .fleet) | nindent 2 }}
  {{- with $values.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: proxy
      image: {{ include "backstay.image" (dict "root" .root "image" .root.Values.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{- include "backstay.proxy.args" . | fromJsonArray | toYaml | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - {name: RUST_LOG, value: {{ .root.Values.logLevel | quote }}}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.envFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- range $values.ports }}
        - name: {{ .name }}
          containerPort: {{ .containerPort }}
          protocol: {{ default "TCP" .protocol }}
          {{- with .hostPort }}
          hostPort: {{ . }}
          {{- end }}
        {{- end }}
        - {name: monitoring, containerPort: {{ $values.monitoringPort }}}
      startupProbe: {{- include "backstay.probe" (dict "probe" $values.startupProbe "path" "/livez" "port" "monitoring" "scheme" "HTTP") | nindent 8 }}
      livenessProbe: {{- include "backstay.probe" (dict "probe" $values.livenessProbe "path" "/livez" "port" "monitoring" "scheme" "HTTP") | nindent 8 }}
      readinessProbe: {{- include "backstay.probe" (dict "probe" $values.readinessProbe "path" "/ready" "port" "monitoring" "scheme" "HTTP") | nindent 8 }}
      {{- with $values.resources }}
      resources: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext: {{- toYaml $security | nindent 8 }}
      volumeMounts:
        - {name: ca, mountPath: /etc/backstay/ca, readOnly: true}
        - {name: token, mountPath: /var/run/secrets/backstay, readOnly: true}
        - {name: state, mountPath: /var/lib/backstay-proxy}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    # The pod waits for it.
    - name: ca
      {{- if eq .root.Values.tls.mode "authority" }}
      configMap:
        name: {{ include "backstay.caConfigMap" .root }}
      {{- else }}
      secret:
        secretName: {{ include "backstay.tlsSecret" .root }}
        items: [{key: ca.crt, path: ca.crt}]
      {{- end }}
    - name: token
      projected:
        sources:
          - serviceAccountToken: {audience: backstay, path: token, expirationSeconds: {{ $values.tokenExpirationSeconds }}}
    - name: state
      {{- toYaml $values.stateVolume | nindent 6 }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
