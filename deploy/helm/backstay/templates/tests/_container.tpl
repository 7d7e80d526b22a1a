{{/* A container that runs a subcommand against the API. Takes root and args. */}}
{{- define "backstay.test.container" -}}
image: {{ include "backstay.image" (dict "root" .root "image" .root.Values.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{- toYaml .args | nindent 2 }}
env:
  - {name: BACKSTAY_SERVER, value: {{ printf "https://%s:%d" (include "backstay.serverNames" .root | fromJsonArray | first) (int .root.Values.controlPlane.service.apiPort) | quote }}}
  - {name: BACKSTAY_CA, value: /etc/backstay/ca/ca.crt}
  - {name: BACKSTAY_TOKEN_FILE, value: /var/run/secrets/backstay/token}
{{- with .root.Values.test.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- toYaml .root.Values.controlPlane.securityContext | nindent 2 }}
volumeMounts:
  - {name: test, mountPath: /etc/backstay/test, readOnly: true}
  - {name: ca, mountPath: /etc/backstay/ca, readOnly: true}
  - {name: token, mountPath: /var/run/secrets/backstay, readOnly: true}
{{- end -}}
