package testsite

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is an S3-compatible server on loopback with one bucket.
type Bucket struct {
	URL      string // address of the bucket for ARTIFACT_DIR: s3://NAME?…
	Endpoint string // URL of the server
	backend  *s3mem.Backend
	requests atomic.Int64
	status   atomic.Int64 // HTTP status of all answers; 0 means that the server answers correctly
}

// bucketName is the name of the bucket.
const bucketName = "evidence"

// NewBucket starts a server with an empty bucket. It is stopped when the test ends.
func NewBucket(t testing.TB) *Bucket {
	t.Helper()
	b := &Bucket{backend: s3mem.New()}
	if err := b.backend.CreateBucket(bucketName); err != nil {
		t.Fatal(err)
	}
	s3 := gofakes3.New(b.backend).Server()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.Add(1)
		if status := int(b.status.Load()); status != 0 {
			w.WriteHeader(status)
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	b.Endpoint = srv.URL
	b.URL = "s3://" + bucketName + "?anonymous=true&prefix=files&endpoint=" + srv.URL
	return b
}

// Answer makes the server answer all requests with this HTTP status. With 0 it answers correctly again.
func (b *Bucket) Answer(status int) { b.status.Store(int64(status)) }

// Requests counts the requests so far.
func (b *Bucket) Requests() int64 { return b.requests.Load() }

// Keys lists the keys of the files in the bucket.
func (b *Bucket) Keys(t testing.TB) []string {
	t.Helper()
	list, err := b.backend.ListBucket(bucketName, nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, o := range list.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}
