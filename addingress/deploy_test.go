package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// image is what is built and deployed, by the manifest.
func image(t *testing.T) (name string, container corev1.Container) {
	t.Helper()
	for doc := range strings.SplitSeq(text(t, "deploy/addingress.yaml"), "\n---\n") {
		var d appsv1.Deployment
		if err := yaml.Unmarshal([]byte(doc), &d); err != nil {
			t.Fatal(err)
		}
		if d.Kind == "Deployment" {
			container = d.Spec.Template.Spec.Containers[0]
			return container.Image, container
		}
	}
	t.Fatal("the manifest has no Deployment")
	return "", container
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The manifest, the Dockerfile, the Makefile and the README name the same image, with its version.
func TestDeployedImageIsTheOneThatIsBuilt(t *testing.T) {
	image, container := image(t)
	_, tag, _ := strings.Cut(image, ":")
	if !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(tag) {
		t.Errorf("the image %s has no version", image)
	}
	if container.ImagePullPolicy != corev1.PullIfNotPresent {
		t.Errorf("the image is pulled %s", container.ImagePullPolicy)
	}
	build := "docker build -t " + image + " -f addingress/Dockerfile ."
	for file, part := range map[string]string{
		"Dockerfile":  build,
		"README.md":   build,
		"../Makefile": "IMAGE ?= " + image + "\n",
	} {
		if !strings.Contains(text(t, file), part) {
			t.Errorf("%s does not contain %q", file, part)
		}
	}
	if part := "ARG VERSION=" + tag + "\n"; !strings.Contains(text(t, "Dockerfile"), part) {
		t.Errorf("the Dockerfile does not contain %q", part)
	}
}

// The manifest runs addingress with an election, metrics for a scraper, the probes that it names, and
// the page where only the Pod reaches it.
func TestTheManifestHasAllOfTheOperator(t *testing.T) {
	_, container := image(t)
	o, err := parse(container.Args, nil)
	if err != nil {
		t.Fatalf("the arguments of the manifest: %v", err)
	}
	ports := map[string]string{}
	for _, p := range container.Ports {
		ports[p.Name] = fmt.Sprint(":", p.ContainerPort)
	}
	if !o.election.LeaderElect || !o.frame.Page || o.frame.MetricsAddress != ports["metrics"] ||
		o.frame.HealthAddress != ports["health"] || o.frame.DebugAddress != "127.0.0.1:6060" {
		t.Errorf("the manifest asks for %+v and %+v, and has the ports %v", o.frame, o.election, ports)
	}
	for path, probe := range map[string]*corev1.Probe{
		"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe,
	} {
		if get := probe.HTTPGet; get.Path != path || get.Port.String() != "health" {
			t.Errorf("the probe of %s asks for %+v", path, get)
		}
	}
	forward := "kubectl -n addingress port-forward deploy/addingress 6060"
	for _, file := range []string{"deploy/addingress.yaml", "README.md"} {
		if !strings.Contains(text(t, file), forward) {
			t.Errorf("%s does not contain %q", file, forward)
		}
	}
}

// What the Dockerfile runs to build the binary makes one that needs nothing else in its image, and
// the image starts that one. (No docker is needed, nor used, for this.)
func TestDockerfileBuildsAStaticBinary(t *testing.T) {
	dockerfile := text(t, "Dockerfile")
	run := regexp.MustCompile(`(?m)^RUN (.*) -o (/out/addingress) \.$`).FindStringSubmatch(dockerfile)
	if run == nil {
		t.Fatalf("no command that builds in\n%s", dockerfile)
	}
	for _, part := range []string{
		"COPY --from=build /out/addingress /addingress\n", `ENTRYPOINT ["/addingress"]`, "FROM scratch\n", "USER 65532:65532\n",
	} {
		if !strings.Contains(dockerfile, part) {
			t.Errorf("the Dockerfile does not contain %q", part)
		}
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(text(t, "go.mod"))[1]
	if part := "FROM golang:" + goVersion + " AS build\n"; !strings.Contains(dockerfile, part) {
		t.Errorf("the Dockerfile does not contain %q, and go.mod asks for it", part)
	}

	binary := filepath.Join(t.TempDir(), "addingress")
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-u", "-c", fmt.Sprintf("%s -o %s .", run[1], binary))
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "VERSION=v1.2.3", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a segment %s: it is not static", p.Type)
		}
	}
	if out, err := exec.CommandContext(t.Context(), binary, "--version").CombinedOutput(); err != nil {
		t.Logf("it does not run here: %v", err)
	} else if string(out) != "v1.2.3\n" {
		t.Errorf("it says that its version is %q", out)
	}

	// What is left out of the build is not needed for it.
	imports, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text(t, "Dockerfile.dockerignore")) {
		left := strings.TrimSpace(line)
		if left != "" && !strings.HasPrefix(left, "#") && strings.Contains(string(imports), "/skiff/"+left+"/") {
			t.Errorf("the build needs %s, which Dockerfile.dockerignore leaves out", left)
		}
	}
}

// README.md has every flag and every reason of an Event, and no others.
func TestReadmeHasFlagsAndReasons(t *testing.T) {
	readme := text(t, "README.md")
	var help strings.Builder
	if _, err := parse([]string{"--help"}, &help); err == nil {
		t.Fatal("no help")
	}
	flags := names(regexp.MustCompile(`(?m)^  -([a-z-]+)`), help.String())
	_, table, _ := strings.Cut(readme, "## Flags")
	if got := names(regexp.MustCompile("`--([a-z-]+)`"), table); got != flags {
		t.Errorf("README.md has the flags\n\t%s\nwant\n\t%s", got, flags)
	}

	reasons := names(regexp.MustCompile(`(?m)^\treason\w+ += "(\w+)"`), text(t, "internal/addingress/problem.go"))
	_, table, _ = strings.Cut(readme, "## Events")
	if got := names(regexp.MustCompile("(?m)^\\| `([A-Z]\\w+)` "), table); got != reasons || reasons == "" {
		t.Errorf("README.md has the reasons\n\t%s\nwant\n\t%s", got, reasons)
	}
}

// names returns what the expression's group finds in text, sorted.
func names(expression *regexp.Regexp, text string) string {
	var found []string
	for _, m := range expression.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}
