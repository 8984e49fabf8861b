package wrong

const a = 1 //mutants:tuning

const b = "text" //mutants:tuning there is nothing here

const c = 2 //mutants:tunning a word

// mutants:equal[<=] there is no comparison
const d = 3

var e = a + c + d + len(b)
