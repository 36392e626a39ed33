package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const chartDir = "../../deploy/helm/legwork"

// installations are values with which the chart is checked.
var installations = map[string]string{
	"least":       "database: { url: postgres://legwork@db/legwork }",
	"a bucket":    "database: { existingSecret: db, urlKey: url, directUrlKey: direct }\nartifacts: { bucket: s3://files }\nsecrets: { LLM_API_KEY: sk-1 }\nimage: { tag: v1 }",
	"no browser":  "database: { url: u }\nbrowser: { enabled: false }\nnetworkPolicy: { enabled: false }\nmigrate: { enabled: false }\nserviceAccount: { create: false }",
	"a lot":       "database: { url: u }\nfullnameOverride: research\napi: { maxReplicas: 5, ingress: { enabled: true, tlsSecret: tls }, nodeSelector: { a: b }, tolerations: [{ operator: Exists }], podAnnotations: { a: b } }\nworker: { podAnnotations: { a: b }, affinity: { nodeAffinity: {} }, autoscaling: { enabled: true } }\nmetrics: { podMonitor: { enabled: true, labels: { release: p } } }\nimagePullSecrets: [{ name: pull }]\nexistingSecret: settings\nmigrate: { existingSecret: owner }",
	"keda":        "database: { url: u }\nworker: { autoscaling: { enabled: true, kind: keda } }",
	"the example": "", // the file of examples
}

func values(t *testing.T, name string) map[string]any {
	t.Helper()
	text := []byte(installations[name])
	if len(text) == 0 {
		text = read(t, "../../deploy/helm/examples/values-cloudnativepg.yaml")
	}
	out := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestChartLint: helm lint has nothing to say but that there is no icon.
func TestChartLint(t *testing.T) {
	t.Parallel()
	for name := range installations {
		l := lint.AllWithKubeVersion(chartDir, values(t, name), "research", nil)
		for _, m := range l.Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// rendered returns the objects of an installation by kind and name.
func rendered(t *testing.T, vals map[string]any) (map[string][]byte, error) {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, vals, chartutil.ReleaseOptions{Name: "legwork", Namespace: "research", Revision: 1, IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for path, text := range files {
		if filepath.Ext(path) != ".yaml" {
			continue
		}
		for doc := range strings.SplitSeq(text, "\n---") {
			var head struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
				t.Fatalf("%s: %v\n%s", path, err, doc)
			}
			if head.Kind == "" {
				continue
			}
			id := head.Kind + "/" + head.Metadata.Name
			if _, twice := out[id]; twice {
				t.Errorf("%s is there twice", id)
			}
			out[id] = []byte(doc)
		}
	}
	return out, nil
}

// others are kinds of operators, which Kubernetes itself does not know.
var others = []string{"ScaledObject", "PodMonitor"}

// TestChartObjects: every object is one that Kubernetes knows, without a field that it does not know; every pod is confined, and what is
// named exists.
func TestChartObjects(t *testing.T) {
	t.Parallel()
	decode := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for name := range installations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := rendered(t, values(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(objects) < 6 {
				t.Errorf("only %v", slices.Sorted(maps.Keys(objects)))
			}
			for id, doc := range objects {
				if kind, _, _ := strings.Cut(id, "/"); slices.Contains(others, kind) {
					continue
				}
				o, _, err := decode.Decode(doc, nil, nil)
				if err != nil {
					t.Errorf("%s: %v\n%s", id, err, doc)
					continue
				}
				inspect(t, id, o, objects)
			}
		})
	}
}

func inspect(t *testing.T, id string, o runtime.Object, all map[string][]byte) {
	t.Helper()
	switch o := o.(type) {
	case *appsv1.Deployment:
		labels := o.Spec.Template.Labels
		for k, v := range o.Spec.Selector.MatchLabels {
			if labels[k] != v {
				t.Errorf("%s: the pods lack the label %s=%s", id, k, v)
			}
		}
		pod(t, id, o.Spec.Template.Spec, all)
	case *batchv1.Job:
		pod(t, id, o.Spec.Template.Spec, all)
	case *autoscalingv2.HorizontalPodAutoscaler:
		if _, ok := all["Deployment/"+o.Spec.ScaleTargetRef.Name]; !ok || o.Spec.MaxReplicas < *o.Spec.MinReplicas {
			t.Errorf("%s scales %s, %d to %d", id, o.Spec.ScaleTargetRef.Name, *o.Spec.MinReplicas, o.Spec.MaxReplicas)
		}
		if strings.Contains(string(all["Deployment/"+o.Spec.ScaleTargetRef.Name]), "\n  replicas:") {
			t.Errorf("%s: its Deployment sets replicas, too", id)
		}
	case *corev1.Service:
		if len(o.Spec.Selector) < 3 || len(o.Spec.Ports) == 0 {
			t.Errorf("%s selects by %v", id, o.Spec.Selector)
		}
	case *networkingv1.NetworkPolicy:
		if len(o.Spec.PodSelector.MatchLabels) != 3 {
			t.Errorf("%s selects by %v", id, o.Spec.PodSelector.MatchLabels)
		}
		if strings.HasSuffix(id, "-browser") && (len(o.Spec.Egress) != 1 || len(o.Spec.Egress[0].Ports) != 1 || len(o.Spec.Egress[0].To) != 1 || o.Spec.Egress[0].To[0].PodSelector == nil) {
			t.Errorf("%s lets the browser reach more than the workers: %+v", id, o.Spec.Egress)
		}
	case *policyv1.PodDisruptionBudget:
		if (o.Spec.MinAvailable == nil) == (o.Spec.MaxUnavailable == nil) {
			t.Errorf("%s needs one of minAvailable and maxUnavailable", id)
		}
	}
}

// pod checks what holds for all pods.
func pod(t *testing.T, id string, p corev1.PodSpec, all map[string][]byte) {
	t.Helper()
	if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
		t.Errorf("%s gets a token of the cluster", id)
	}
	if s := p.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		t.Errorf("%s: %+v", id, s)
	}
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		if v.ConfigMap != nil && all["ConfigMap/"+v.ConfigMap.Name] == nil {
			t.Errorf("%s: there is no ConfigMap %s", id, v.ConfigMap.Name)
		}
		if c := v.PersistentVolumeClaim; c != nil && all["PersistentVolumeClaim/"+c.ClaimName] == nil {
			t.Errorf("%s: there is no claim %s", id, c.ClaimName)
		}
	}
	for _, c := range p.Containers {
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) != 1 {
			t.Errorf("%s: %+v", id, s)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: no limit of memory, or no request of CPU", id)
		}
		if strings.HasSuffix(c.Image, ":") || !strings.Contains(c.Image, ":") {
			t.Errorf("%s has the image %q", id, c.Image)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s mounts %s, which is no volume", id, m.Name)
			}
		}
		names := map[string]bool{}
		for _, e := range c.Env {
			if names[e.Name] {
				t.Errorf("%s sets %s twice", id, e.Name)
			}
			names[e.Name] = true
		}
	}
	if stop := p.TerminationGracePeriodSeconds; !strings.HasSuffix(id, "-browser") && strings.HasPrefix(id, "Deployment/") && (stop == nil || *stop < 25) {
		t.Errorf("%s has less time than SHUTDOWN_TIMEOUT to stop", id)
	}
}

// TestChartSettings: each setting that the chart sets, or shows in its values, is a setting of legwork.
func TestChartSettings(t *testing.T) {
	t.Parallel()
	example := string(read(t, "../../.env.example"))
	objects, err := rendered(t, values(t, "the example"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	checked := 0
	for id, doc := range objects {
		if !strings.HasPrefix(id, "Deployment/") {
			continue
		}
		if err := yaml.UnmarshalStrict(doc, &deployment); err != nil {
			t.Fatal(err)
		}
		for _, e := range deployment.Spec.Template.Spec.Containers[0].Env {
			if checked++; !strings.Contains(example, "\n"+e.Name+"=") {
				t.Errorf("%s sets %s, which .env.example does not have", id, e.Name)
			}
		}
		deployment = appsv1.Deployment{}
	}
	var config corev1.ConfigMap
	if err := yaml.UnmarshalStrict(objects["ConfigMap/legwork"], &config); err != nil {
		t.Fatal(err)
	}
	for name := range config.Data {
		if checked++; !strings.Contains(example, "\n"+name+"=") {
			t.Errorf("the example sets %s, which .env.example does not have", name)
		}
	}
	if checked < 15 {
		t.Errorf("only %d settings were found", checked)
	}
}

// TestChartRefuses: values that cannot work are refused with a sentence.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{}": "legwork needs a PostgreSQL",
		"database: { url: u }\nworker: { autoscaling: { enabled: true, kind: vpa } }": "kind",
		"database: { url: u }\nworker: { replicas: many }":                            "replicas",
		"database: { url: u }\nworkers: { replicas: 3 }":                              "workers",
	} {
		vals := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &vals); err != nil {
			t.Fatal(err)
		}
		if _, err := rendered(t, vals); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
