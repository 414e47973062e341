package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// Document is the OpenAPI 3.1 document of the server, made without one: the client's types come from it. The same
// program gives the same bytes.
func Document() ([]byte, error) {
	gin.SetMode(gin.ReleaseMode)
	a := humagin.New(gin.New(), humaConfig(documentVersion))
	new(Server).register(a)
	b, err := json.Marshal(a.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// documentVersion stands in the checked-in document, which must not change with each build.
const documentVersion = "1"
