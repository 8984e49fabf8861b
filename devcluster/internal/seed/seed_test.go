package seed

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var versions = Versions{Kubernetes: "v1.2.3", Etcd: "3.4.5"}

const oldUID = "01234567-89ab-4def-8123-456789abcdef"

func aSeed() *Seed {
	return &Seed{Versions: versions, Objects: []object{
		{Key: "/registry/clusterroles/view", Value: []byte("k8s\x00 " + oldUID + " " + string(stored(1700000001)) + " \xff"), UID: oldUID, Times: []int64{1700000001}},
		{Key: "/registry/namespaces/default", Value: []byte(`{"uid":"` + oldUID + `","a":"` + string(text(1700000001)) + `","b":"` + string(text(1700000003)) + `"}`), UID: oldUID, Times: []int64{1700000001, 1700000003}},
	}}
}

// file returns a file with the content and, if s is not nil, with the seed.
func file(t *testing.T, content string, s *Seed) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	if s != nil {
		if err := s.AppendTo(path); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestASeedIsReadBackFromTheEndOfAFile(t *testing.T) {
	for _, content := range []string{"", "x", strings.Repeat("binary", 1000)} {
		got, err := Of(file(t, content, aSeed()), versions)
		if err != nil || !reflect.DeepEqual(got, aSeed()) {
			t.Errorf("after %d bytes: %+v, %v", len(content), got, err)
		}
	}
}

func TestAFileWithoutASeedHasNone(t *testing.T) {
	for _, content := range []string{"", mark, strings.Repeat("binary", 1000)} {
		if got, err := Of(file(t, content, nil), versions); got != nil || err != nil {
			t.Errorf("%d bytes: %+v, %v", len(content), got, err)
		}
	}
	if _, err := Of(filepath.Join(t.TempDir(), "missing"), versions); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestASeedOfOtherVersionsIsRefused(t *testing.T) {
	path := file(t, "", aSeed())
	for _, v := range []Versions{{"v1.2.4", "3.4.5"}, {"v1.2.3", "3.4.6"}, {}} {
		if got, err := Of(path, v); got != nil || err == nil || !strings.Contains(err.Error(), "it is of Kubernetes v1.2.3 and etcd 3.4.5") {
			t.Errorf("%v: %v, %v", v, got, err)
		}
	}
	if got, err := Of(file(t, "", &Seed{Versions: versions}), versions); got != nil || err == nil {
		t.Errorf("a seed without objects: %v, %v", got, err)
	}
}

// No damaged byte may pass: the API server does not write again what the seed is said to have.
func TestADamagedSeedIsRefused(t *testing.T) {
	whole, err := os.ReadFile(file(t, "", aSeed()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) - len(mark) {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0x10
		got, err := Of(file(t, "binary"+string(damaged), nil), versions)
		// gzip's header has a time and a system that mean nothing.
		if err == nil && !reflect.DeepEqual(got, aSeed()) {
			t.Errorf("byte %d of %d: it was read as %+v", i, len(whole), got)
		}
		if err != nil && !strings.Contains(err.Error(), "damaged") {
			t.Errorf("byte %d of %d: %v", i, len(whole), err)
		}
	}
	for _, cut := range []int{1, 10, len(whole) - len(mark) - 9} {
		if got, err := Of(file(t, string(whole[cut:]), nil), versions); got != nil || err == nil {
			t.Errorf("without its first %d bytes: %v, %v", cut, got, err)
		}
	}
}

// kv is an etcd of a few keys. If refuse is set, it takes no more than that many.
type kv struct {
	etcdserverpb.UnimplementedKVServer
	refuse int

	mu    sync.Mutex
	keys  []string // in the order of their writes
	value map[string]string
	lists int
	list  func(k *kv) // called under mu before each list
}

func (k *kv) Put(_ context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != 0 && len(k.keys) == k.refuse {
		return nil, status.Error(codes.InvalidArgument, "no more")
	}
	k.put(string(r.Key), string(r.Value))
	return &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{}}, nil
}

func (k *kv) put(key, value string) {
	if _, ok := k.value[key]; !ok {
		k.keys = append(k.keys, key)
	}
	if k.value == nil {
		k.value = make(map[string]string)
	}
	k.value[key] = value
}

func (k *kv) Range(context.Context, *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lists++
	if k.list != nil {
		k.list(k)
	}
	answer := &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{}}
	for _, key := range k.keys {
		answer.Kvs = append(answer.Kvs, &mvccpb.KeyValue{Key: []byte(key), Value: []byte(k.value[key])})
	}
	return answer, nil
}

// serve returns the endpoint of the etcd.
func serve(t *testing.T, k *kv) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "seed") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "etcd.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	etcdserverpb.RegisterKVServer(server, k)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return "unix://" + path
}

func TestPlantedObjectsAreOfTheirOwnCluster(t *testing.T) {
	s := aSeed()
	for i := range 3 * writers {
		o := s.Objects[0]
		o.Key += strings.Repeat("x", i+1)
		s.Objects = append(s.Objects, o)
	}
	k := &kv{}
	before := time.Now().Unix()
	if err := s.Plant(t.Context(), serve(t, k)); err != nil {
		t.Fatal(err)
	}
	after := time.Now().Unix()
	if len(k.value) != len(s.Objects) {
		t.Errorf("%d objects, want %d", len(k.value), len(s.Objects))
	}
	uids := make(map[string]bool)
	for _, o := range s.Objects {
		value := k.value[o.Key]
		uid := uidPattern.FindString(value)
		if uid == oldUID || uids[uid] {
			t.Errorf("%s has UID %s, which another has", o.Key, uid)
		}
		uids[uid] = true
		right := false
		for now := before; now <= after; now++ {
			right = right || value == string(o.renewed(uid, time.Unix(now, 0)))
		}
		if !right || len(value) != len(o.Value) || strings.Contains(value, string(stored(o.Times[0]))) {
			t.Errorf("%s is %q", o.Key, value)
		}
	}
}

func TestAnEtcdThatRefusesAnObjectIsAnError(t *testing.T) {
	err := aSeed().Plant(t.Context(), serve(t, &kv{refuse: 1}))
	if err == nil || !strings.Contains(err.Error(), "write the seed to etcd") || !strings.Contains(err.Error(), "no more") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := aSeed().Plant(ctx, "unix:///nowhere/etcd.sock"); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was aborted: %v", err)
	}
}

func TestTakeWaitsUntilNothingIsWrittenAndLeavesOutWhatIsOfOneCluster(t *testing.T) {
	now := time.Now()
	value := func(s string) string { return s + oldUID + string(stored(now.Unix())) }
	k := &kv{list: func(k *kv) {
		if k.lists == 1 {
			k.put("/registry/namespaces/default", value("a"))
			k.put("/registry/configmaps/kube-system/extension-apiserver-authentication", "an authority")
			k.put("/registry/clusterroles/view", value("b"))
			k.put("/registry/secrets/default/s", "a secret")
		}
		if k.lists == 2 {
			k.put("/registry/namespaces/default", value("c"))
		}
		k.put("/registry/leases/kube-system/apiserver", time.Now().String()) // which goes on for ever
	}}
	s, err := Take(t.Context(), serve(t, k), versions, now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.Objects {
		if o.UID != oldUID || !slices.Equal(o.Times, []int64{now.Unix()}) {
			t.Errorf("%s: %s, %v", o.Key, o.UID, o.Times)
		}
		got = append(got, o.Key+"="+string(o.Value[:1]))
	}
	if want := []string{"/registry/namespaces/default=c", "/registry/clusterroles/view=b"}; !slices.Equal(got, want) {
		t.Errorf("the seed has %v, want %v", got, want)
	}
}

func TestAnObjectWhoseUIDOrTimeIsNotFoundMakesNoSeed(t *testing.T) {
	now := time.Unix(1700000001, 0)
	for value, want := range map[string]string{
		"":                                      "has 0 UIDs",
		oldUID + " " + oldUID:                   "has 2 UIDs",
		oldUID:                                  "has no time",
		oldUID + string(stored(1700000000)):     "has no time",
		oldUID + string(stored(1700000001)):     "",
		oldUID + string(text(1700000002)):       "",
		oldUID + " " + string(text(1700000003)): "has no time",
	} {
		_, err := find("key", []byte(value), now, now.Add(time.Second))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}
