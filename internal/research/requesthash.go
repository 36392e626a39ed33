package research

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Hash returns the SHA-256 of a submission as the client sent it, without the server's defaults. So a retry still
// matches when an update of the server has brought new options or other defaults. A submission that was not sent as JSON
// is hashed with the defaults.
func (in NewTask) Hash() ([]byte, error) {
	if in.Request == nil {
		return in.FormerHash()
	}
	sum := sha256.Sum256(in.Request)
	return sum[:], nil
}

// formerRequest has the fields of a submission that versions up to migration 7 hashed, with their defaults. Hashes of
// those versions are valid for KeepKeys after the update. Do not add fields, because they would change the hashes.
type formerRequest struct {
	Question string
	Options  formerOptions
	Priority Priority
	ParentID *uuid.UUID
}

type formerOptions struct {
	SeedURL            string
	MaxDepth           int
	MaxPages           int
	TimeBudget         time.Duration
	MaxTokens          int64
	SearchEngine       Engine
	MaxResults         int
	SafeMode           bool
	SameDomainOnly     bool
	AllowExternalLinks bool
	AllowDomains       []string
	DenyDomains        []string
	Fresh              bool
	Metadata           map[string]any
}

// FormerHash returns the SHA-256 of a submission after normalisation, with the defaults filled in.
func (in NewTask) FormerHash() ([]byte, error) {
	o := in.Options
	former := formerRequest{Question: in.Question, Priority: in.Priority, ParentID: in.ParentID, Options: formerOptions{
		SeedURL: o.SeedURL, MaxDepth: o.MaxDepth, MaxPages: o.MaxPages, TimeBudget: o.TimeBudget, MaxTokens: o.MaxTokens,
		SearchEngine: o.SearchEngine, MaxResults: o.MaxResults, SafeMode: o.SafeMode, SameDomainOnly: o.SameDomainOnly,
		AllowExternalLinks: o.AllowExternalLinks, Fresh: o.Fresh}}
	if len(o.AllowDomains) > 0 {
		former.Options.AllowDomains = o.AllowDomains
	}
	if len(o.DenyDomains) > 0 {
		former.Options.DenyDomains = o.DenyDomains
	}
	if len(o.Metadata) > 0 {
		former.Options.Metadata = o.Metadata
	}
	b, err := json.Marshal(former)
	if err != nil {
		return nil, fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}
