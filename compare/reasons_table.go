package compare

import "slices"

// reasons are all reasons, in the order in which they are tried.
var reasons = slices.Concat(requestReasons, answerReasons, kubeconfigReasons, controlPlaneReasons)
