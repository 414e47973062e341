package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bar shows how far a long work is, its rate and the time left: a moving line on a terminal, a line every few seconds
// in a log.
type bar struct {
	out      io.Writer
	what     string
	terminal bool
	began    time.Time
	last     time.Time
}

func newBar(what string) *bar {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &bar{out: os.Stderr, what: what, terminal: terminal, began: time.Now()}
}

// show tells that part of whole is done (rows or bytes), and how many rows that were.
func (b *bar) show(part, whole, rows int64) {
	pause := 5 * time.Second
	if b.terminal {
		pause = 100 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(b.last) < pause && part < whole {
		return
	}
	b.last = now
	line := b.line(part, whole, rows, now.Sub(b.began))
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(b.out, line)
}

func (b *bar) line(part, whole, rows int64, took time.Duration) string {
	share := 0.0
	if whole > 0 {
		share = min(float64(part)/float64(whole), 1)
	}
	const width = 24
	full := int(share * width)
	line := fmt.Sprintf("%s [%s%s] %3.0f %%", b.what, strings.Repeat("█", full), strings.Repeat("·", width-full), share*100)
	if seconds := took.Seconds(); seconds > 0.5 {
		line += fmt.Sprintf("  %s rows  %s rows/s", grouped(rows), grouped(int64(float64(rows)/seconds)))
		if share > 0.01 && share < 1 {
			line += "  " + time.Duration(seconds/share*(1-share)*float64(time.Second)).Round(time.Second).String() + " left"
		}
	}
	return line
}

// end leaves the terminal's line.
func (b *bar) end() {
	if b.terminal {
		fmt.Fprintln(b.out)
	}
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
