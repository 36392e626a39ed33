package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"

	"legwork/internal/research"
)

// bucket stores files in a bucket of Amazon S3, or of a server with the same protocol.
type bucket struct {
	client    *minio.Client
	transport *http.Transport
	name      string
	prefix    string // beginning of every key; it is empty or ends with a slash
}

func (b *bucket) put(ctx context.Context, key, contentType string, data []byte) error {
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{ContentType: contentType})
	return err
}

func (b *bucket) stat(ctx context.Context, key string) (info, error) {
	o, err := b.client.StatObject(ctx, b.name, b.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		if status(err) == http.StatusNotFound {
			return info{}, fmt.Errorf("%w: no file %s", research.ErrNotFound, key)
		}
		return info{}, err
	}
	return info{size: o.Size, modTime: o.LastModified, etag: `"` + o.ETag + `"`}, nil
}

func (b *bucket) open(ctx context.Context, key string, from int64) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if from > 0 {
		if err := opts.SetRange(from, 0); err != nil {
			return nil, err
		}
	}
	body, _, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.name, b.prefix+key, opts)
	return body, err
}

func (b *bucket) remove(ctx context.Context, key string) error {
	err := b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{})
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

func (b *bucket) list(ctx context.Context, task uuid.UUID) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the requests of a listing that the caller stops
		for o := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + task.String() + "/", Recursive: true}) {
			if o.Err != nil {
				yield("", o.Err)
				return
			}
			if !yield(o.Key[len(b.prefix):], nil) {
				return
			}
		}
	}
}

// removeFolder does nothing, because a bucket has no folders.
func (*bucket) removeFolder(uuid.UUID) error { return nil }

func (*bucket) advice(err error) string {
	switch status(err) {
	case http.StatusNotFound:
		return "create the bucket, or correct its name, region and endpoint"
	case http.StatusForbidden, http.StatusUnauthorized:
		return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may read, write, list and delete there"
	}
	return "check that its endpoint answers from here, and the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or ~/.aws)"
}

func (b *bucket) close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// status returns the HTTP status of an error, or 0 if there was no response.
func status(err error) int {
	var refusal minio.ErrorResponse
	if errors.As(err, &refusal) {
		return refusal.StatusCode
	}
	return 0
}
