package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// leastRoom is how much garbage may gather before it is looked for, in bytes, as far as mostPercent of what is in use allows.
// By itself Go looks when as much has gathered as is in use: for a small city, under load, every other second, each time for
// 0.2 s beside the requests.
const (
	leastRoom   = 384 << 20
	mostPercent = 300
)

// giveRoom lets garbage gather. Call it when what the server holds has been loaded. Whoever sets GOGC is obeyed.
func giveRoom() {
	if os.Getenv("GOGC") != "" {
		return
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(roomPercent(m.HeapAlloc))
}

// roomPercent is how much of what is in use may gather as garbage.
func roomPercent(used uint64) int {
	return int(min(max(100, leastRoom*100/max(used, 1)), mostPercent))
}
