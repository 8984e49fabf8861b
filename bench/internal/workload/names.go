package workload

// What things are called in a cluster that several teams share.
var (
	teams = []string{"billing", "catalog", "checkout", "content", "data", "delivery", "fraud", "identity",
		"inventory", "logistics", "marketing", "media", "messaging", "mobile", "orders", "partners", "payments",
		"platform", "pricing", "recommendations", "returns", "reviews", "search", "security", "storefront",
		"subscriptions", "support", "tracking", "warehouse", "web"}
	environments = []string{"prod", "staging", "canary", "test"}
	subjects     = []string{"account", "audit", "basket", "campaign", "cart", "checkout", "customer", "discount",
		"document", "event", "export", "feed", "geo", "image", "import", "invoice", "ledger", "login", "mail",
		"notification", "offer", "order", "payment", "price", "product", "profile", "quote", "rating", "refund",
		"report", "risk", "session", "shipping", "stock", "tax", "token", "upload", "voucher", "webhook", "wishlist"}
	roles = []string{"api", "backend", "cache-warmer", "consumer", "frontend", "gateway", "indexer", "processor",
		"projector", "publisher", "scheduler", "service", "sync", "worker"}
	tiers    = []string{"frontend", "backend", "data", "edge"}
	sidecars = []struct{ name, repository, version string }{
		{"proxy", "mesh/proxyv2", "1.29"}, {"log-shipper", "observability/vector", "0.49"},
		{"otel-agent", "observability/collector", "0.131"}, {"vault-agent", "security/vault-agent", "1.21"},
	}
	words = []string{"accept", "allow", "batch", "buffer", "cache", "channel", "client", "cluster", "codec", "commit",
		"connection", "consumer", "default", "delay", "depth", "enabled", "endpoint", "expire", "factor", "filter",
		"flush", "format", "group", "handler", "header", "host", "idle", "index", "interval", "keepalive", "key",
		"level", "limit", "listen", "locale", "max", "merge", "metrics", "min", "mode", "offset", "partition", "path",
		"payload", "pool", "port", "prefix", "queue", "rate", "region", "replica", "retry", "route", "sampling",
		"schema", "shard", "size", "source", "storage", "stream", "table", "target", "threshold", "timeout", "token",
		"topic", "trace", "ttl", "upstream", "user", "value", "verify", "version", "window", "worker", "zone"}
)
