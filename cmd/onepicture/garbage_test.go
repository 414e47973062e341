package main

import "testing"

func TestRoomForGarbage(t *testing.T) {
	for used, want := range map[uint64]int{0: 300, 50 << 20: 300, 192 << 20: 200, 384 << 20: 100, 2 << 30: 100} {
		if got := roomPercent(used); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d %%", used, got, want)
		}
	}
}
