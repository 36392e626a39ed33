package artifact

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// maxTries is how often a request to a bucket is sent at most.
const maxTries = 3

// Open opens the place that ARTIFACT_DIR names: a folder, or a bucket as s3://NAME with options in its query. A folder
// is created if it does not exist. Open sends no request to a bucket; [Store.Check] does.
//
// The options of a bucket:
//
//   - region: region of the bucket. Default: AWS_REGION, else us-east-1 with an endpoint, else the region that Amazon reports.
//   - endpoint: URL of a server with the S3 protocol. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, Amazon S3.
//   - prefix: beginning of every key.
//   - profile: profile in ~/.aws. Default: AWS_PROFILE, else "default".
//   - anonymous: true sends unsigned requests.
//   - use_path_style: true puts the bucket's name into the path, false into the host name. Default: true with an endpoint, else what
//     Amazon requires.
//
// Credentials are found as in most AWS programs: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role of the machine,
// task or pod.
func Open(place string) (*Store, error) {
	if strings.HasPrefix(place, "s3://") {
		b, err := openBucket(place)
		if err != nil {
			return nil, err
		}
		return &Store{place: place, backend: b}, nil
	}
	if err := os.MkdirAll(place, 0o750); err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be made; choose a folder this user may write: %w", place, err)
	}
	return &Store{place: place, backend: folder(place)}, nil
}

func openBucket(place string) (*bucket, error) {
	u, err := url.Parse(place)
	var q url.Values
	if err == nil {
		q, err = url.ParseQuery(u.RawQuery)
	}
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("ARTIFACT_DIR %q is no bucket; write s3://NAME?prefix=FOLDER&region=REGION", place)
	}
	o, err := readOptions(q)
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened: %w", place, err)
	}
	host, secure := "s3.amazonaws.com", true
	if o.endpoint != nil {
		host, secure = o.endpoint.Host, o.endpoint.Scheme == "https"
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened; check SSL_CERT_FILE: %w", place, err)
	}
	client, err := minio.New(host, &minio.Options{Creds: o.credentials(), Secure: secure, Region: o.region, BucketLookup: o.lookup,
		Transport: transport, MaxRetries: maxTries})
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened; check its endpoint: %w", place, err)
	}
	return &bucket{client: client, transport: transport, name: u.Host, prefix: o.prefix}, nil
}

// options are the options in a bucket's address, with defaults filled in.
type options struct {
	region    string
	endpoint  *url.URL // nil means Amazon S3
	prefix    string   // it is empty or ends with a slash
	profile   string
	anonymous bool
	lookup    minio.BucketLookupType
}

func readOptions(q url.Values) (options, error) {
	o := options{lookup: minio.BucketLookupAuto, region: firstOf(awsEnv("AWS_REGION"), awsEnv("AWS_DEFAULT_REGION"))}
	if endpoint := firstOf(q.Get("endpoint"), awsEnv("AWS_ENDPOINT_URL_S3"), awsEnv("AWS_ENDPOINT_URL")); endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return o, fmt.Errorf("the endpoint %q is not of the form https://HOST:PORT", endpoint)
		}
		o.endpoint, o.lookup, o.region = u, minio.BucketLookupPath, firstOf(o.region, "us-east-1")
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		value := q.Get(name)
		switch name {
		case "endpoint":
		case "region":
			o.region = value
		case "prefix":
			if o.prefix = strings.TrimRight(value, "/"); o.prefix != "" {
				o.prefix += "/"
			}
		case "profile":
			o.profile = value
		case "anonymous", "use_path_style":
			on, err := strconv.ParseBool(value)
			if err != nil {
				return o, fmt.Errorf("the option %s is %q; make it true or false", name, value)
			}
			switch {
			case name == "anonymous":
				o.anonymous = on
			case on:
				o.lookup = minio.BucketLookupPath
			default:
				o.lookup = minio.BucketLookupDNS
			}
		default:
			return o, fmt.Errorf("there is no option %q; there are region, endpoint, prefix, profile, anonymous and use_path_style", name)
		}
	}
	return o, nil
}

// awsEnv reads an environment variable of AWS. minio-go itself reads the variables with credentials.
func awsEnv(name string) string {
	return os.Getenv(name) //nolint:forbidigo // these are settings of Amazon's, not of legwork
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// credentials returns the credentials with which requests are signed. If there are none, requests are not signed.
func (o options) credentials() *credentials.Credentials {
	if o.anonymous {
		return credentials.NewStaticV4("", "", "")
	}
	providers := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{Profile: o.profile}}
	if o.profile != "" { // a profile in the address has precedence over the environment
		slices.Reverse(providers)
	}
	if disabled, _ := strconv.ParseBool(awsEnv("AWS_EC2_METADATA_DISABLED")); !disabled {
		providers = append(providers, &credentials.IAM{Client: &http.Client{Timeout: opTime / 3}})
	}
	return credentials.NewChainCredentials(providers)
}
