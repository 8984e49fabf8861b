package kubeconfig

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

func TestAnAuthProviderIsRegistered(t *testing.T) {
	w := newWorld(t)
	source := rest.CacheCredentials(nil)
	var given AuthProvider
	register := func() {
		RegisterAuthProvider("of-a-test", func(p AuthProvider) (rest.CredentialSource, error) {
			if given = p; p.Config["wrong"] != "" {
				return nil, errors.New("its config is wrong")
			}
			return source, nil
		})
	}
	register()
	defer func() {
		delete(providers.byName, "of-a-test")
		if recover() == nil {
			t.Error("a second registration goes unnoticed")
		}
	}()
	path := w.file("config", oneUser(`{"auth-provider":{"name":"of-a-test","config":{"a":"b"}}}`))
	cfg := w.mustLoad(path)
	if cfg.Credentials != source || given.Save != nil || !reflect.DeepEqual(given.Config, map[string]string{"a": "b"}) || given.Folder != w.dir || given.File != path || given.User != "usr" {
		t.Errorf("%v, %+v", cfg, given)
	}
	var saved Saved
	w.mustLoad(path, WithSaver(func(s Saved) error { saved = s; return nil }))
	changed := map[string]string{"a": "c"}
	if err := given.Save(changed); err != nil {
		t.Error(err)
	}
	changed["a"] = "d"
	if want := (Saved{File: path, User: "usr", Config: map[string]string{"a": "c"}}); !reflect.DeepEqual(saved, want) {
		t.Errorf("saved %+v, not %+v", saved, want)
	}
	_, err := w.load(w.file("wrong", oneUser(`{"auth-provider":{"name":"of-a-test","config":{"wrong":"b"}}}`)))
	if err == nil || !strings.Contains(err.Error(), `the user "usr"`) || !strings.Contains(err.Error(), `its auth-provider "of-a-test": its config is wrong`) {
		t.Errorf("error: %v", err)
	}
	register()
}
