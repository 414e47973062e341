// Package frontend carries the built page inside the binary.
package frontend

import (
	"embed"
	"io/fs"
)

// dist holds what "npm run build" wrote; on a clean clone only .keep, so that the module compiles before the build.
//
//go:embed all:dist
var dist embed.FS

// Files is the built page with index.html at its root. Before the build it holds no index.html.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }
