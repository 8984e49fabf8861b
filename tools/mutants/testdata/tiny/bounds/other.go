package tiny

func notMutated(n int) bool { return n > 5 }
