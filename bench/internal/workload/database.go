package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// DatabaseKind is the kind of a Database.
var DatabaseKind = schema.GroupVersionKind{Group: "databases.example.com", Version: "v1", Kind: "Database"}

// Database is a custom resource as an operator for databases could define it.
type Database struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DatabaseSpec   `json:"spec"`
	Status DatabaseStatus `json:"status,omitempty"`
}

// DatabaseSpec is the desired state.
type DatabaseSpec struct {
	Engine     string            `json:"engine"`
	Version    string            `json:"version"`
	Replicas   int32             `json:"replicas"`
	Storage    string            `json:"storage"`
	Class      string            `json:"class"`
	Backup     string            `json:"backup"` // schedule, as in cron
	Parameters map[string]string `json:"parameters,omitempty"`
	Users      []DatabaseUser    `json:"users,omitempty"`
}

// DatabaseUser is a user of the database.
type DatabaseUser struct {
	Name      string   `json:"name"`
	SecretRef string   `json:"secretRef"`
	Grants    []string `json:"grants"`
}

// DatabaseStatus is the observed state.
type DatabaseStatus struct {
	Phase      string             `json:"phase,omitempty"`
	Endpoint   string             `json:"endpoint,omitempty"`
	Observed   int64              `json:"observedGeneration,omitempty"`
	LastBackup *metav1.Time       `json:"lastBackup,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	Members    []DatabaseMember   `json:"members,omitempty"`
}

// DatabaseMember is one process of the database.
type DatabaseMember struct {
	Pod   string `json:"pod"`
	UID   string `json:"uid"`
	Node  string `json:"node"`
	Role  string `json:"role"`
	LagMS int64  `json:"lagMilliseconds"`
}

// DatabaseList is a list of Databases.
type DatabaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Database `json:"items"`
}

// AddToScheme registers Database with a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(DatabaseKind.GroupVersion(), &Database{}, &DatabaseList{})
	metav1.AddToGroupVersion(s, DatabaseKind.GroupVersion())
	return nil
}

// DeepCopyInto copies d to out, as the generated functions of other types do.
func (d *Database) DeepCopyInto(out *Database) {
	*out = *d
	d.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Parameters = maps.Clone(d.Spec.Parameters)
	out.Spec.Users = slices.Clone(d.Spec.Users)
	for i := range out.Spec.Users {
		out.Spec.Users[i].Grants = slices.Clone(d.Spec.Users[i].Grants)
	}
	out.Status.LastBackup = d.Status.LastBackup.DeepCopy()
	out.Status.Conditions = slices.Clone(d.Status.Conditions)
	out.Status.Members = slices.Clone(d.Status.Members)
}

// DeepCopy returns a copy.
func (d *Database) DeepCopy() *Database {
	if d == nil {
		return nil
	}
	out := new(Database)
	d.DeepCopyInto(out)
	return out
}

// DeepCopyObject implements runtime.Object.
func (d *Database) DeepCopyObject() runtime.Object { return d.DeepCopy() }

// DeepCopyObject implements runtime.Object.
func (l *DatabaseList) DeepCopyObject() runtime.Object {
	out := *l
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]Database, len(l.Items))
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&out.Items[i])
	}
	return &out
}

const databasesPerDeployment = 5

func newDatabases(seed uint64, all []deployment) Source {
	names := make([]named, 0, len(all)*databasesPerDeployment)
	for k, d := range all {
		g := generatorOf(seed, 'D', uint64(k))
		taken := make(map[string]bool)
		for range databasesPerDeployment {
			names = append(names, named{d.namespace, numbered(taken, d.name+"-"+pick(&g, words))})
		}
	}
	slices.SortFunc(names, named.order)
	m := &made{info: Info{DatabaseKind, "databases", true, false}, seed: seed, names: names}
	m.make = func(i int, s State) runtime.Object {
		return database(m.generator('d', i, s.Generation), names[i].namespace, m.Name(i, s), s)
	}
	m.meta = func(i int, s State) *metav1.ObjectMeta {
		g := m.generator('t', i, s.Generation)
		team := strings.SplitN(names[i].namespace, "-", 2)[0]
		meta := &metav1.ObjectMeta{
			Generation:  1,
			Labels:      map[string]string{"team": team, "databases.example.com/class": pick(&g, []string{"small", "medium", "large"}), "app.kubernetes.io/managed-by": "argocd"},
			Annotations: map[string]string{"argocd.argoproj.io/tracking-id": team + ":databases.example.com/Database:" + names[i].namespace + "/" + names[i].name},
			Finalizers:  []string{"databases.example.com/protect"},
		}
		fields := tree(m.make(i, s))
		meta.ManagedFields = []metav1.ManagedFieldsEntry{
			managed("argocd-controller", "databases.example.com/v1", "", beginning, map[string]any{
				"metadata": only(tree(meta), "annotations", "labels"), "spec": fields["spec"]}),
			managed("database-operator", "databases.example.com/v1", "status", beginning+int64(s.Revision)*60, map[string]any{"status": fields["status"]}),
		}
		return meta
	}
	return m
}

func database(g generator, namespace, name string, s State) *Database {
	d := &Database{TypeMeta: metav1.TypeMeta{APIVersion: DatabaseKind.GroupVersion().String(), Kind: DatabaseKind.Kind}}
	d.Spec = DatabaseSpec{
		Engine: pick(&g, []string{"postgres", "mysql", "redis"}), Version: fmt.Sprintf("%d.%d", 8+g.below(10), g.below(9)), Replicas: 3,
		Storage: pick(&g, []string{"50Gi", "100Gi", "500Gi"}), Class: pick(&g, []string{"db-small", "db-medium"}),
		Backup: fmt.Sprintf("%d %d * * *", g.below(60), g.below(24)), Parameters: make(map[string]string),
	}
	for len(d.Spec.Parameters) < 10 {
		d.Spec.Parameters[pick(&g, words)+"_"+pick(&g, words)] = settingValue(&g, name, namespace)
	}
	for k := range 3 {
		user := fmt.Sprintf("%s_%s_%d", strings.ReplaceAll(name, "-", "_"), pick(&g, []string{"app", "reader", "migrator"}), k)
		d.Spec.Users = append(d.Spec.Users, DatabaseUser{user, strings.ReplaceAll(user, "_", "-"), []string{"CONNECT", pick(&g, []string{"SELECT", "ALL", "INSERT"})}})
	}
	began := beginning + int64(g.below(30*24*3600))
	d.Status = DatabaseStatus{
		Phase: "Running", Endpoint: name + "-rw." + namespace + ".svc.cluster.local:5432", Observed: 1,
		LastBackup: new(timeOf(began + int64(s.Revision)*3600)),
	}
	for _, kind := range []string{"Available", "BackupSucceeded", "Replicating"} {
		d.Status.Conditions = append(d.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: timeOf(began), Reason: "AsExpected",
			Message: "the database is as it is wanted",
		})
	}
	moving := generatorOf(g.next(), uint64(s.Revision))
	for k := range d.Spec.Replicas {
		role := "replica"
		if k == 0 {
			role = "primary"
		}
		d.Status.Members = append(d.Status.Members, DatabaseMember{
			Pod: fmt.Sprintf("%s-%d", name, k), UID: g.uuidString(), Node: "gke-prod-memhigh-" + g.hexString(8) + "-" + g.suffixString(4),
			Role: role, LagMS: int64(moving.below(250)),
		})
	}
	return d
}
