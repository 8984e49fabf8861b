package workload

const nodeNameLen = len("gke-prod-general-3f2a9c1b-x7k2")

// nodeNames returns the names of n nodes.
func nodeNames(seed uint64, n int) []string {
	g := generatorOf(seed, 'n')
	names := make([]string, n)
	pool := ""
	for i := range names {
		if i%50 == 0 {
			pool = "gke-prod-" + pick(&g, []string{"general", "compute", "memhigh"}) + "-" + g.hexString(8) + "-"
		}
		names[i] = pool + g.suffixString(4)
	}
	return names
}

// nodeAddress fills b, of addressLen bytes, with the address of a node.
func nodeAddress(seed uint64, node int, b []byte) {
	g := generatorOf(seed, 'a', uint64(node))
	g.address(b, 132)
}
