package controlplane_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

// TestGuest runs in a process of its own, with $SKIFF_TEST_KUBECONFIG and without a binary.
func TestGuest(t *testing.T) {
	if os.Getenv(inner) != "guest" {
		return
	}
	var opts []controlplane.Option
	if arg := os.Getenv("SKIFF_GUEST_ARG"); arg != "" {
		opts = append(opts, controlplane.WithAPIServerArgs(arg))
	}
	cluster := controlplane.Start(t, append(opts, controlplane.WithCRDs(os.Getenv("SKIFF_GUEST_CRDS")))...)
	if cluster.Kubeconfig() != os.Getenv(controlplane.EnvKubeconfig) || !strings.HasPrefix(cluster.Version(), "v1.") {
		t.Errorf("version %q, kubeconfig %s", cluster.Version(), cluster.Kubeconfig())
	}
	if cluster.Logs() != "" || cluster.PIDs() != nil {
		t.Errorf("logs %q and processes %v of somebody else's cluster", cluster.Logs(), cluster.PIDs())
	}
	cluster.Namespace(t)
	if !isServed(t, connect(t, cluster), "v1", "guests") {
		t.Error("the CRD is not served")
	}
	for name, do := range map[string]func() error{
		"restart": func() error { return cluster.RestartAPIServer(t.Context()) },
		"kill":    func() error { return cluster.KillAPIServer(t.Context()) },
		"pause":   func() error { return cluster.PauseAPIServer(t.Context()) },
	} {
		if err := do(); !errors.Is(err, controlplane.ErrExisting) || !strings.Contains(err.Error(), name+" the API server") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Log("was a guest")
}

// Tests use the cluster of $SKIFF_TEST_KUBECONFIG, which goes on after them, if $SKIFF_TEST_CONTEXT
// says which it is.
func TestAClusterThatIsThere(t *testing.T) {
	cluster := controlplane.Start(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	crds := folder(t, map[string]string{"guests.yaml": definition("guests", "Guest")})
	run := func(env ...string) (string, bool) {
		cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestGuest$", "-test.v")
		cmd.Env = append(os.Environ(), inner+"=guest", "SKIFF_GUEST_CRDS="+crds, controlplane.EnvContext+"=",
			controlplane.EnvBinary+"="+filepath.Join(t.TempDir(), "nowhere"), controlplane.EnvKubeconfig+"="+cluster.Kubeconfig())
		cmd.Env = append(cmd.Env, env...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		return out.String(), err == nil
	}
	out, _ := run()
	_, context, _ := strings.Cut(out, controlplane.EnvContext+"=")
	context, _, _ = strings.Cut(context, "\n")
	if context == "" || !strings.Contains(out, "--- FAIL: TestGuest") {
		t.Fatalf("without $%s:\n%s", controlplane.EnvContext, out)
	}
	named := controlplane.EnvContext + "=" + context
	if out, ok := run(named); !ok || !strings.Contains(out, "was a guest") {
		t.Errorf("a guest:\n%s", out)
	}
	for want, env := range map[string][]string{
		`and $SKIFF_TEST_CONTEXT is "production"`: {controlplane.EnvContext + "=production"},
		"--feature-gates=WatchList=false":         {named, "SKIFF_GUEST_ARG=--feature-gates=WatchList=false"},
		"not an absolute path":                    {named, controlplane.EnvKubeconfig + "=kind.kubeconfig"},
		"nowhere.kubeconfig":                      {named, controlplane.EnvKubeconfig + "=" + filepath.Join(crds, "nowhere.kubeconfig")},
	} {
		if out, ok := run(env...); ok || !strings.Contains(out, want) || strings.Contains(out, "was a guest") {
			t.Errorf("%q:\n%s", env, out)
		}
	}
	if err := connect(t, cluster).Get().AbsPath("/readyz").Do(t.Context()).Error(); err != nil {
		t.Errorf("after its guests the cluster is gone: %v", err)
	}
}
