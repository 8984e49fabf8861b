package crd_test

import (
	"context"
	"fmt"
	"log"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Cron is a custom resource.
type Cron struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CronSpec   `json:"spec"`
	Status            CronStatus `json:"status,omitzero"`
}

type CronSpec struct {
	Schedule string `json:"schedule" crd:"pattern='^[0-9*/, -]+$',doc='When it runs.'"`
	Keep     int32  `json:"keep,omitempty" crd:"min=1,max=9,default=3"`
}

// CRDSchema holds the rules that concern more than one field.
func (CronSpec) CRDSchema() string {
	return `rule='self.schedule != "* * * * *" || self.keep == 1',message='every minute keeps one'`
}

type CronStatus struct {
	LastRun *metav1.Time `json:"lastRun,omitempty"`
}

func ExampleOf() {
	err := kind.Register[Cron](kind.Info{Group: "example.com", Version: "v1", Kind: "Cron",
		Resource: "crons", Namespaced: true})
	if err != nil {
		log.Fatal(err)
	}
	crons, err := crd.Of[Cron](crd.Status(), crd.ShortNames("cr"), crd.Columns(
		crd.Column{Name: "Schedule", Path: ".spec.schedule"},
		crd.Column{Name: "Last", Path: ".status.lastRun"}))
	if err != nil {
		log.Fatal(err)
	}
	text, err := crd.YAML(crons)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output:
	// ---
	// apiVersion: apiextensions.k8s.io/v1
	// kind: CustomResourceDefinition
	// metadata:
	//   name: crons.example.com
	// spec:
	//   group: example.com
	//   names:
	//     kind: Cron
	//     listKind: CronList
	//     plural: crons
	//     shortNames:
	//     - cr
	//     singular: cron
	//   scope: Namespaced
	//   versions:
	//   - additionalPrinterColumns:
	//     - jsonPath: .spec.schedule
	//       name: Schedule
	//       type: string
	//     - jsonPath: .status.lastRun
	//       name: Last
	//       type: date
	//     name: v1
	//     schema:
	//       openAPIV3Schema:
	//         properties:
	//           apiVersion:
	//             type: string
	//           kind:
	//             type: string
	//           metadata:
	//             type: object
	//           spec:
	//             properties:
	//               keep:
	//                 default: 3
	//                 format: int32
	//                 maximum: 9
	//                 minimum: 1
	//                 type: integer
	//               schedule:
	//                 description: When it runs.
	//                 pattern: ^[0-9*/, -]+$
	//                 type: string
	//             required:
	//             - schedule
	//             type: object
	//             x-kubernetes-validations:
	//             - message: every minute keeps one
	//               rule: self.schedule != "* * * * *" || self.keep == 1
	//           status:
	//             properties:
	//               lastRun:
	//                 format: date-time
	//                 type: string
	//             type: object
	//         required:
	//         - spec
	//         type: object
	//     served: true
	//     storage: true
	//     subresources:
	//       status: {}
}

// A program installs its kinds when it starts. What would lose stored objects is refused, unless Allow
// accepts it.
func ExampleInstaller() {
	ctx := context.Background()
	cfg, err := kubeconfig.Load("")
	if err != nil {
		log.Fatal(err)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	installer := crd.Installer{FieldManager: "cron-operator", Allow: func(l *crd.LossError) bool {
		return l.Loss == crd.BoundTightened && l.Path == ".spec.keep"
	}}
	if err := installer.Install(ctx, c, crd.MustOf[Cron](crd.Status())); err != nil {
		log.Fatal(err)
	}
}

// The definition of the last release is kept beside the test, which fails when a change of the Go type
// would lose something.
func ExampleLosses() {
	released := crd.MustOf[Cron](crd.Status()) // or read from a file
	for _, loss := range crd.Losses(released, crd.MustOf[Cron](crd.Status())) {
		fmt.Println(loss)
	}
}
