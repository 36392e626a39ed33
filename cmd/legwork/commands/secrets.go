package commands

import (
	"fmt"
	"os"

	"legwork/internal/config"
	"legwork/internal/sealed"
)

// SecretKeys returns the keys that encrypt secrets in the database. There may be none.
func SecretKeys(cfg config.Config) (*sealed.Keys, error) {
	text, name := cfg.SecretKey.Reveal(), "LEGWORK_SECRET_KEY"
	if cfg.SecretKeyFile != "" {
		content, err := os.ReadFile(cfg.SecretKeyFile)
		if err != nil {
			return nil, fmt.Errorf("LEGWORK_SECRET_KEY_FILE: %w", err)
		}
		text, name = string(content), "LEGWORK_SECRET_KEY_FILE"
	}
	keys, err := sealed.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case cfg.SecretKeyFile != "" && !keys.Ready():
		return nil, fmt.Errorf("LEGWORK_SECRET_KEY_FILE: %s has no key; make one with: openssl rand -base64 32", cfg.SecretKeyFile)
	}
	return keys, nil
}
