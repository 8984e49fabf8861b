package quick

func few(n int) bool { return n < 7 }
