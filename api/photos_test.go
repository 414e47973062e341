package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onepicture/layers"
	"onepicture/layers/photo"
)

func jpegFile(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	m.SetRGBA(0, 0, color.RGBA{R: 255, A: 255})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *town) photoStart(event, key string, size int) *httptest.ResponseRecorder {
	b, _ := json.Marshal(map[string]any{"key": key, "role": "report", "size": size})
	r := call(http.MethodPost, "/api/events/"+event+"/photos", bytes.NewReader(b))
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

func (w *town) photoPart(upload string, offset int64, b []byte) *httptest.ResponseRecorder {
	return w.do(call(http.MethodPatch, fmt.Sprintf("/api/photos/%s/part?offset=%d", upload, offset), bytes.NewReader(b)))
}

// sent is a photo of the first event.
func (w *town) sent(t *testing.T, key string, b []byte) PhotoUpload {
	t.Helper()
	u := answer[PhotoUpload](t, w.photoStart("1", key, len(b)))
	for u.Photo.value == nil {
		end := min(u.Offset+50_000, int64(len(b)))
		u = answer[PhotoUpload](t, w.photoPart(u.Upload, u.Offset, b[u.Offset:end]))
	}
	return u
}

func TestPhotoOverHTTP(t *testing.T) {
	w := newTown(t, nil)
	u := w.sent(t, "k", jpegFile(t, 800, 600))
	list := answer[PhotoList](t, w.get("/api/events/1/photos")).Photos
	if len(list) != 1 || list[0].Width != 800 || list[0].Role != "report" {
		t.Fatalf("%+v", list)
	}
	for size, address := range map[string]string{"large": list[0].Large, "small": list[0].Small} {
		rec := w.get(address)
		h := rec.Header()
		if rec.Code != http.StatusOK || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Cache-Control") != "private, max-age=600" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") ||
			h.Get("Content-Encoding") != "" || h.Get("ETag") == "" {
			t.Errorf("%s: %d %v", size, rec.Code, h)
		}
		if _, err := jpeg.Decode(rec.Body); err != nil {
			t.Error(err)
		}
		again := call(http.MethodGet, address, nil)
		again.Header.Set("If-None-Match", h.Get("ETag"))
		if rec := w.do(again); rec.Code != http.StatusNotModified || rec.Body.Len() > 0 {
			t.Errorf("%s again: %d", size, rec.Code)
		}
	}
	if again := answer[PhotoUpload](t, w.photoStart("1", "k", int(u.Size))); again.Photo.value == nil || again.Photo.value.ID != list[0].ID {
		t.Errorf("asked again: %+v", again)
	}
}

func TestPhotoRefusals(t *testing.T) {
	w := newTown(t, nil)
	b := jpegFile(t, 30, 30)
	u := answer[PhotoUpload](t, w.photoStart("1", "k", len(b)))
	big := answer[PhotoUpload](t, w.photoStart("1", "big", photo.MaxBytes))
	evil := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	svg := answer[PhotoUpload](t, w.photoStart("1", "svg", len(evil)))
	for _, c := range []struct {
		name   string
		rec    *httptest.ResponseRecorder
		status int
		words  string
	}{
		{"100 MB", w.photoStart("1", "huge", 100<<20), http.StatusRequestEntityTooLarge, "at most 20 MB"},
		{"a part of 2 MB", w.photoPart(big.Upload, 0, make([]byte, 2<<20)), http.StatusRequestEntityTooLarge, "at most 1 MB"},
		{"SVG", w.photoPart(svg.Upload, 0, evil), http.StatusUnprocessableEntity, "is not a JPEG, PNG or WebP"},
		{"another offset", w.photoPart(u.Upload, 7, b), http.StatusConflict, "goes on at another byte"},
		{"no offset", w.do(call(http.MethodPatch, "/api/photos/"+u.Upload+"/part", nil)), http.StatusUnprocessableEntity, "offset"},
		{"unknown upload", w.photoPart(strings.Repeat("0", 32), 0, b), http.StatusNotFound, "no such"},
		{"no such event", w.photoStart("999", "k", 5), http.StatusNotFound, "no such event"},
		{"unknown photo", w.get("/api/photos/999/large"), http.StatusNotFound, "no such photo"},
		{"unknown size", w.get("/api/photos/1/huge"), http.StatusNotFound, "no such photo"},
		{"path", w.get("/api/photos/..%2f..%2fetc%2fpasswd/large"), http.StatusNotFound, ""},
		{"longer path", w.get("/api/photos/1/large/../../../etc/passwd"), http.StatusNotFound, ""},
		{"photos of no event", w.get("/api/events/999/photos"), http.StatusNotFound, "no such event"},
	} {
		if c.rec.Code != c.status {
			t.Errorf("%s: status %d: %s", c.name, c.rec.Code, c.rec.Body)
			continue
		}
		if p := refusal(t, c.rec); !strings.Contains(p.Detail, c.words) {
			t.Errorf("%s: %q", c.name, p.Detail)
		}
	}
	other := call(http.MethodPatch, "/api/photos/"+u.Upload+"/part?offset=0", bytes.NewReader(b))
	other.Header.Set("Origin", "http://evil.example")
	if rec := w.do(other); rec.Code != http.StatusForbidden {
		t.Errorf("a page of another origin: %d", rec.Code)
	}
	if list := answer[PhotoList](t, w.get("/api/events/1/photos")).Photos; len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestPhotosStayInTheirPlaces(t *testing.T) {
	w := newTown(t, nil)
	u := w.sent(t, "k", jpegFile(t, 30, 30))
	for name, scope := range map[string]layers.Scope{
		"counts only": {Event: layers.Sight{Counts: layers.Everywhere()}},
		"elsewhere":   {Event: layers.Sight{Counts: layers.Everywhere(), Records: layers.Reach{Places: layers.PlaceSet{1 << 3}}}},
	} {
		o := openTown(t, w.pool, func(o *Options) {
			o.Photos = w.Photos
			o.Scope = func(*http.Request) layers.Scope { return scope }
		})
		for _, address := range []string{u.Photo.value.Large, u.Photo.value.Small, "/api/events/1/photos"} {
			if rec := o.get(address); rec.Code != http.StatusNotFound {
				t.Errorf("%s sees %s: %d", name, address, rec.Code)
			}
		}
		if rec := o.photoStart("1", "other", 5); rec.Code != http.StatusNotFound {
			t.Errorf("%s adds a photo: %d", name, rec.Code)
		}
	}
}
