package long

func few(n int) bool { return n < 7 }
