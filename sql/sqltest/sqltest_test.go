package sqltest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program is its own victim: started again with this variable it starts a cluster and waits to be killed.
const beVictim = "ONEPICTURE_TEST_VICTIM"

func TestMain(m *testing.M) {
	switch os.Getenv(beVictim) {
	case "":
		Main(m)
	case "panic":
		defer panic("as a test may")
	}
	err := startCluster()
	fmt.Println(shared.pg.PID(), err)
	if os.Getenv(beVictim) == "kill" {
		select {}
	}
}

// However a test process ends, its services end too and its folder goes.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, end := range []string{"kill", "panic", "return"} {
		t.Run(end, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), beVictim+"="+end)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			pid, found := strings.CutSuffix(strings.TrimSpace(line), " <nil>")
			if err != nil || !found {
				t.Fatalf("the victim says %q: %v", line, err)
			}
			proc := "/proc/" + pid
			cluster, err := os.Readlink(filepath.Join(proc, "cwd"))
			if end == "kill" && err != nil {
				t.Fatal(err)
			}
			if end == "kill" {
				if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait() // how it ends is the scene
			deadline := time.After(30 * time.Second)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for !gone(proc) || cluster != "" && !gone(filepath.Dir(cluster)) {
				select {
				case <-deadline:
					t.Fatalf("still there: process %s: %v; folder %s: %v", pid, !gone(proc), cluster, !gone(filepath.Dir(cluster)))
				case <-tick.C:
				}
			}
		})
	}
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}
