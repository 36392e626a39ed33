{{- define "legwork.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "legwork.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "legwork.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "legwork.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "legwork.selector" -}}
app.kubernetes.io/name: {{ include "legwork.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "legwork.labels" -}}
{{ include "legwork.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "legwork.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "legwork.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "legwork.fullname" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{/* The Secret with settings; empty if there are none. */}}
{{- define "legwork.secret" -}}
{{- if .Values.existingSecret }}{{ .Values.existingSecret }}{{ else if .Values.secrets }}{{ include "legwork.fullname" . }}{{ end }}
{{- end }}

{{- define "legwork.databaseSecret" -}}
{{- if .Values.database.existingSecret }}{{ .Values.database.existingSecret }}
{{- else if .Values.database.url }}{{ include "legwork.fullname" . }}-database
{{- else }}{{ fail "legwork needs a PostgreSQL: set database.existingSecret (CloudNativePG makes one, deploy/helm/examples/cloudnativepg.yaml), or database.url" }}{{ end }}
{{- end }}

{{/* Which values restart the pods when they change. */}}
{{- define "legwork.checksum" -}}
{{ toJson (list .Values.settings .Values.secrets .Values.existingSecret .Values.database .Values.artifacts .Values.domains) | sha256sum }}
{{- end }}

{{- define "legwork.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "legwork.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Environment of every legwork process. The chart's own entries come last, and win. */}}
{{- define "legwork.envFrom" -}}
- configMapRef: { name: {{ include "legwork.fullname" . }} }
{{- with include "legwork.secret" . }}
- secretRef: { name: {{ . }} }
{{- end }}
{{- end }}

{{- define "legwork.env" -}}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "legwork.databaseSecret" . }}, key: {{ if .Values.database.existingSecret }}{{ .Values.database.urlKey }}{{ else }}uri{{ end }} } }
{{- if and .Values.database.existingSecret .Values.database.directUrlKey }}
- name: DATABASE_DIRECT_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.directUrlKey }} } }
{{- end }}
- { name: LEGWORK_HOME, value: /data }
- { name: ARTIFACT_DIR, value: {{ default "/artifacts" .Values.artifacts.bucket | quote }} }
- { name: ALLOWED_DOMAINS_FILE, value: /config/allowed-domains.txt }
- { name: DISALLOWED_DOMAINS_FILE, value: /config/disallowed-domains.txt }
- { name: METRICS_HOST, value: "0.0.0.0" } # networkPolicy.metricsFrom says who may read them
- { name: METRICS_PORT, value: "9090" }
{{- end }}

{{- define "legwork.mounts" -}}
- { name: data, mountPath: /data }
- { name: tmp, mountPath: /tmp }
- { name: config, mountPath: /config, readOnly: true }
{{- if not .Values.artifacts.bucket }}
- { name: artifacts, mountPath: /artifacts }
{{- end }}
{{- end }}

{{- define "legwork.volumes" -}}
- { name: data, emptyDir: {} }
- { name: tmp, emptyDir: { medium: Memory, sizeLimit: 256Mi } }
- name: config
  configMap: { name: {{ include "legwork.fullname" . }}-domains }
{{- if not .Values.artifacts.bucket }}
- name: artifacts
  persistentVolumeClaim: { claimName: {{ default (printf "%s-artifacts" (include "legwork.fullname" .)) .Values.artifacts.persistence.existingClaim }} }
{{- end }}
{{- end }}

{{/* Pods of one component on different nodes, if possible. */}}
{{- define "legwork.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector: { matchLabels: { app.kubernetes.io/name: {{ include "legwork.name" .root }}, app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/component: {{ .component }} } }
{{- end }}
