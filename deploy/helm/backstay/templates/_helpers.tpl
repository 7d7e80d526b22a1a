{{- define "backstay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "backstay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "backstay.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* A name that is derived: one that is cut off could be another's. Takes root and suffix. */}}
{{- define "backstay.derived" -}}
{{- $name := printf "%s-%s" (include "backstay.fullname" .root) .suffix -}}
{{- if gt (len $name) 63 -}}
{{- fail (printf "%q is longer than 63 characters: set a shorter fullnameOverride, or shorten the name of the fleet" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "backstay.controlPlane" -}}
{{- include "backstay.derived" (dict "root" . "suffix" "control-plane") -}}
{{- end -}}

{{/* Names that the control plane is reached by, the one that proxies use first. */}}
{{- define "backstay.serverNames" -}}
{{- $service := include "backstay.controlPlane" . -}}
{{- $namespace := include "backstay.namespace" . -}}
{{- $names := list (printf "%s.%s.svc" $service $namespace) $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc.%s" $service $namespace .Values.clusterDomain) -}}
{{- concat $names .Values.tls.extraNames | uniq | toJson -}}
{{- end -}}

{{- define "backstay.caConfigMap" -}}
{{- default (printf "%s-ca" (include "backstay.fullname" .)) .Values.tls.authority.configMapName -}}
{{- end -}}

{{/* The Secret with the certificate of the control plane, where it is not its own authority. */}}
{{- define "backstay.tlsSecret" -}}
{{- if eq .Values.tls.mode "secret" -}}
{{- required "tls.secret.secretName: name a Secret with tls.crt, tls.key and ca.crt" .Values.tls.secret.secretName -}}
{{- else -}}
{{- printf "%s-tls" (include "backstay.controlPlane" .) -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object. Takes root, component and perhaps fleet. */}}
{{- define "backstay.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: backstay
{{ include "backstay.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods: without versions, so that pods are replaced when they change and not whenever the chart does. */}}
{{- define "backstay.podLabels" -}}
app.kubernetes.io/part-of: backstay
{{ include "backstay.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What selects pods. Never changes between versions: it cannot be changed in place. */}}
{{- define "backstay.selector" -}}
app.kubernetes.io/name: {{ include "backstay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .fleet }}
backstay.dev/fleet: {{ . }}
{{- end }}
{{- end -}}

{{/* An image. Takes root and image. */}}
{{- define "backstay.image" -}}
{{- $global := default dict .root.Values.global -}}
{{- $registry := default .image.registry $global.imageRegistry -}}
{{- $repository := .image.repository -}}
{{- if $registry -}}{{- $repository = printf "%s/%s" (trimSuffix "/" $registry) $repository -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "backstay.pullSecrets" -}}
{{- $global := default dict .Values.global -}}
{{- with concat (default list $global.imagePullSecrets) .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What a fleet has: `proxy`, with what it says otherwise. Takes root and fleet. */}}
{{- define "backstay.fleet" -}}
{{- mergeOverwrite (deepCopy .root.Values.proxy) (deepCopy (default dict (get .root.Values.fleets .fleet))) | toJson -}}
{{- end -}}

{{- define "backstay.proxy" -}}
{{- include "backstay.derived" (dict "root" .root "suffix" (printf "proxy-%s" .fleet)) -}}
{{- end -}}

{{/* Takes component (its values) and name. */}}
{{- define "backstay.serviceAccount" -}}
{{- if .values.serviceAccount.create -}}
{{- default .name .values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What pods of both have. Takes root, values, component and perhaps fleet. */}}
{{- define "backstay.pod" -}}
{{- include "backstay.pullSecrets" .root }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if kindIs "invalid" .values.topologySpreadConstraints }}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "backstay.selector" $ | nindent 8 }}
{{- end }}
{{- else if .values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A probe. Takes probe (its times), path, port and scheme. */}}
{{- define "backstay.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
  scheme: {{ .scheme }}
{{ toYaml .probe }}
{{- end -}}

{{/* Port of a container. */}}
{{- define "backstay.hasLowPort" -}}
{{- range .ports }}{{ if lt (int .containerPort) 1024 }}yes{{ end }}{{ end -}}
{{- end -}}

{{/* What Services pass on as it is. */}}
{{- define "backstay.serviceSettings" -}}
{{- range $name := list "loadBalancerClass" "externalTrafficPolicy" "internalTrafficPolicy" "trafficDistribution" "ipFamilyPolicy" "clusterIP" }}
{{- with get $ $name }}
{{ $name }}: {{ . }}
{{- end }}
{{- end }}
{{- with .loadBalancerSourceRanges }}
loadBalancerSourceRanges: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
