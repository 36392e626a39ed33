package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// Open opens what ARTIFACT_DIR names: a folder, which is made when it is missing, or a bucket as s3://NAME with options
// in its query. Opening a bucket asks it nothing; Check does.
//
// Options are those of gocloud.dev/blob/s3blob (region, endpoint, profile, role, …) and prefix, which the keys begin with.
// Credentials are found as every AWS program finds them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, or the
// machine's role. With an endpoint, which is a server that merely speaks S3, what such servers need is the default.
func Open(place string) (*Store, error) {
	if strings.HasPrefix(place, "s3://") {
		return openBucket(place)
	}
	if err := os.MkdirAll(place, 0o750); err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be made; choose a folder this user may write: %w", place, err)
	}
	// Temporary files go beside the final ones, so that the rename never crosses file systems.
	b, err := fileblob.OpenBucket(place, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened: %w", place, err)
	}
	return &Store{bucket: b, place: place, dir: place}, nil
}

func openBucket(place string) (*Store, error) {
	u, err := url.Parse(place)
	var q url.Values
	if err == nil {
		q, err = url.ParseQuery(u.RawQuery)
	}
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("ARTIFACT_DIR %q is no bucket; write s3://NAME?prefix=FOLDER/&region=REGION", place)
	}
	prefix := q.Get("prefix")
	q.Del("prefix")
	if q.Get("endpoint") != "" {
		for option, usual := range map[string]string{"region": "us-east-1", "use_path_style": "true",
			"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"} {
			if !q.Has(option) {
				q.Set(option, usual)
			}
		}
	}
	u.RawQuery = q.Encode()
	b, err := new(s3blob.URLOpener).OpenBucketURL(context.Background(), u) // makes no request
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened; see its options in the manual: %w", place, err)
	}
	if prefix != "" {
		b = blob.PrefixedBucket(b, strings.TrimRight(prefix, "/")+"/")
	}
	return &Store{bucket: b, place: place}, nil
}

// Check writes, reads and deletes a file beside those of tasks. Its error says what to do.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	k, want := ".probe-"+uuid.NewString(), []byte("legwork")
	err := s.bucket.WriteAll(ctx, k, want, nil)
	if err == nil {
		var got []byte
		if got, err = s.bucket.ReadAll(ctx, k); err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("wrote %q, read %q", want, got)
		}
		err = errors.Join(err, s.bucket.Delete(ctx, k))
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("files cannot be kept in ARTIFACT_DIR %s: %s: %w", s.place, s.advice(err), err)
}

// advice is what to do about an error of the whole bucket.
func (s *Store) advice(err error) string {
	switch code := gcerrors.Code(err); {
	case s.dir != "":
		return "give this user the right to write there, and room"
	case code == gcerrors.NotFound:
		return "create the bucket, or correct its name, region and endpoint"
	case code == gcerrors.PermissionDenied:
		return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may read, write, list and delete there"
	}
	return "check that its endpoint answers from here, and the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or ~/.aws)"
}
