package workload

// DefaultSeed is the seed of the published figures.
const DefaultSeed = 1

// Config is the size of a workload. Zero values mean the defaults.
type Config struct {
	Seed uint64 // DefaultSeed
	Pods int    // 20,000, which makes 400 Deployments in 40 namespaces
}

// Workload is the objects of a cluster.
type Workload struct {
	Pods           *Pods
	ConfigMaps     Source // two for each Deployment, and a certificate in each namespace: 100 B to 200 KB
	Nodes          Source // one for every hundred pods
	EndpointSlices Source // one for each Deployment, of its pods
	Databases      Source // custom resources of 4 KB, five for each Deployment
}

// mostPods is how many pods the other resources grow with. A workload of a million pods is for
// measuring a million pods.
const mostPods = 20_000

// New returns the workload of a size. It is cheap: objects are made when they are asked for.
func New(c Config) *Workload {
	if c.Seed == 0 {
		c.Seed = DefaultSeed
	}
	if c.Pods == 0 {
		c.Pods = mostPods
	}
	w := &Workload{Pods: newPods(c.Seed, c.Pods)}
	few := w.Pods
	if c.Pods > mostPods {
		few = newPods(c.Seed, mostPods)
	}
	w.ConfigMaps = newConfigMaps(c.Seed, few.deployments)
	w.Nodes = newNodes(c.Seed, few.nodes)
	w.EndpointSlices = newEndpointSlices(c.Seed, few)
	w.Databases = newDatabases(c.Seed, few.deployments)
	return w
}

// Sources returns all resources of the workload.
func (w *Workload) Sources() []Source {
	return []Source{w.Pods, w.ConfigMaps, w.Nodes, w.EndpointSlices, w.Databases}
}
