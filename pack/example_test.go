package pack_test

import (
	"fmt"
	"strings"

	"github.com/skiff-k8s/skiff/pack"
)

// Six Pods of one ReplicaSet: the fourth becomes the base of their group.
func Example() {
	var p pack.Packer
	pods := pack.NewGroup(nil, false)
	web := pack.NewGroup(pods, true)

	environment := strings.Repeat("SETTING=of the template; ", 40)
	var last pack.Handle
	for i := range 6 {
		key, uid := fmt.Sprint("default/web-", i), fmt.Sprint("uid-", i)
		pod := fmt.Sprintf("name: web-%d, uid: %s, ip: 10.0.0.%d, env: %s", i, uid, i, environment)
		packed, base, _ := p.Add(nil, web, []byte(pod), key, uid)
		last = pack.Handle{Bytes: string(packed), Base: base}
	}
	fmt.Println("bases:", p.Stats().Bases)
	fmt.Println("bytes of a pod:", last.Size(), "packed in less than 40:", len(last.Bytes) < 40)

	// The same own strings are given again.
	pod, err := last.Unpack(nil, "default/web-5", "uid-5")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s...\n", pod[:40])
	// Output:
	// bases: 2
	// bytes of a pod: 1044 packed in less than 40: true
	// name: web-5, uid: uid-5, ip: 10.0.0.5, e...
}
