package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/photo"
)

// The addresses of photos that are not JSON.
const (
	partRoute  = "/api/photos/:id/part" // :id is the upload's
	photoRoute = "/api/photos/:id/:size"
)

// partTime is how long a part may take: 64 kB at 1 kB/s.
const partTime = 65 * time.Second

// Photo is a stored picture of an event.
type Photo struct {
	ID      int64      `json:"id"`
	Event   int64      `json:"event"`
	Role    string     `json:"role" enum:"report,before,after"`
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	Bytes   int        `json:"bytes"`
	Hash    string     `json:"hash" doc:"SHA-256 of the large picture, by which steps name it as evidence"`
	TakenAt *time.Time `json:"takenAt" doc:"As the phone says"`
	AddedAt time.Time  `json:"addedAt"`
	Large   string     `json:"large" doc:"Address of the picture, at most 1,600 pixels a side"`
	Small   string     `json:"small" doc:"Address of the picture, at most 320 pixels a side"`
}

// PhotoList is all photos of an event.
type PhotoList struct {
	Photos []Photo `json:"photos"`
}

// PhotoStart is what a phone says of a photo that it will send.
type PhotoStart struct {
	Key     string     `json:"key" minLength:"1" maxLength:"100" doc:"The phone's own: the same key is the same photo, however often it is asked"`
	Role    string     `json:"role" enum:"report,before,after"`
	Size    int64      `json:"size" minimum:"1" doc:"Bytes; at most 20 MB"`
	TakenAt *time.Time `json:"takenAt,omitempty"`
}

// PhotoUpload is how far a photo has come.
type PhotoUpload struct {
	Upload string       `json:"upload" doc:"For PATCH /api/photos/{upload}/part"`
	Size   int64        `json:"size"`
	Offset int64        `json:"offset" doc:"Bytes that are there: the next part begins here"`
	Photo  Maybe[Photo] `json:"photo" doc:"Once all bytes are there and were found to be a picture"`
}

type photoStartInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Body PhotoStart
}

func (s *Server) photoRoutes(a huma.API) {
	handle(a, get("photos", "/api/events/{id}/photos", "Photos of an event, oldest first"), s, s.photos)
	handle(a, huma.Operation{
		OperationID: "photo-start", Method: http.MethodPost, Path: "/api/events/{id}/photos", Summary: "Begin to send a photo, or ask how far it has come",
		Description: "Then send parts of at most 1 MB with PATCH /api/photos/{upload}/part?offset=n. After an interruption ask again.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, s, s.photoStart)
}

func (s *Server) album() (*photo.Album, error) {
	if s.Photos == nil {
		return nil, layers.Unavailable(0, "this server keeps no photos", nil)
	}
	return s.Photos, nil
}

func (s *Server) photos(ctx context.Context, scope layers.Scope, in *idInput) (*body[PhotoList], error) {
	album, err := s.album()
	if err != nil {
		return nil, err
	}
	list, err := album.Of(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	out := PhotoList{Photos: []Photo{}}
	for i := range list {
		out.Photos = append(out.Photos, photoOf(&list[i]))
	}
	return &body[PhotoList]{out}, nil
}

func photoOf(p *photo.Photo) Photo {
	address := func(size string) string { return fmt.Sprintf("/api/photos/%d/%s", p.ID, size) }
	return Photo{
		ID: p.ID, Event: p.Event, Role: p.Role, Width: p.Width, Height: p.Height, Bytes: p.Bytes, Hash: hex.EncodeToString(p.Hash[:]), TakenAt: maybeTime(p.TakenAt),
		AddedAt: utc(p.AddedAt), Large: address("large"), Small: address("small"),
	}
}

func uploadOf(u photo.Upload) PhotoUpload {
	out := PhotoUpload{Upload: u.ID, Size: u.Size, Offset: u.Offset}
	if u.Photo != nil {
		out.Photo = Some(photoOf(u.Photo))
	}
	return out
}

func (s *Server) photoStart(ctx context.Context, scope layers.Scope, in *photoStartInput) (*body[PhotoUpload], error) {
	album, err := s.album()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	u, err := album.Begin(ctx, scope, photo.Start{Key: b.Key, Event: in.ID, Role: b.Role, Size: b.Size, TakenAt: b.TakenAt})
	if err != nil {
		return nil, err
	}
	return &body[PhotoUpload]{uploadOf(u)}, nil
}

// photoPart takes the bytes as they come; a slow phone has longer than other requests.
func (s *Server) photoPart(c *gin.Context, scope layers.Scope) error {
	album, err := s.album()
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(c.Query("offset"), 10, 64)
	if err != nil || offset < 0 {
		return layers.Invalid("offset", "is not a number of bytes")
	}
	control := http.NewResponseController(c.Writer)
	until := time.Now().Add(partTime)
	_ = control.SetReadDeadline(until) // a recorder in a test has none
	_ = control.SetWriteDeadline(until.Add(deadline))
	ctx, cancel := context.WithTimeout(c.Request.Context(), partTime+deadline)
	defer cancel()
	u, err := album.Take(ctx, scope, c.Param("id"), offset, c.Request.Body)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return &layers.Error{Code: layers.CodeTooLarge, Message: "a part may have at most 1 MB"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return layers.Unavailable(time.Second, "the part came too slowly; what has come is kept: go on from there", nil)
	case err != nil:
		return err
	}
	c.JSON(http.StatusOK, uploadOf(u))
	return nil
}

// photoFile sends a stored picture, which is always a JPEG that this server has drawn. It may be kept by the one
// browser that asked, not by what lies between.
func (s *Server) photoFile(c *gin.Context, scope layers.Scope) error {
	album, err := s.album()
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	size := c.Param("size")
	if err != nil || size != "large" && size != "small" {
		return layers.NotFound("photo")
	}
	p, f, err := album.File(c.Request.Context(), scope, id, size == "small")
	if err != nil {
		return err
	}
	defer f.Close()
	h := c.Writer.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="photo-%d.jpg"`, p.ID))
	h.Set("Cache-Control", "private, max-age=600")
	h.Set("ETag", `"`+hex.EncodeToString(p.Hash[:12])+"-"+size+`"`)
	http.ServeContent(c.Writer, c.Request, "", p.AddedAt, f)
	return nil
}
