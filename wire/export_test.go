package wire

// For tests outside the package.

var HasObjectMeta = hasObjectMeta
