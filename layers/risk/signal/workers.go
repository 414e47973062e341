package signal

import "runtime"

// workers is how many goroutines a search uses: half of the processors, because a search takes seconds and requests must
// not wait for it.
func workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }
