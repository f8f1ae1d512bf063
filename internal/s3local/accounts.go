package s3local

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
)

// accounts is the fixed set of accounts of a server, by access key.
type accounts map[string]auth.Account

// newAccounts returns accounts with these names. Their secrets derive from a seed in dir, so
// that a grant is still valid after a restart.
func newAccounts(dir string, names []string) (accounts, error) {
	seed, err := loadSeed(filepath.Join(dir, "secret"))
	if err != nil {
		return nil, err
	}
	all := make(accounts)
	for _, name := range names {
		secret, err := hkdf.Key(sha256.New, seed, nil, name, 30)
		if err != nil {
			return nil, fmt.Errorf("derive the secret of an account: %w", err)
		}
		all[name] = auth.Account{
			Access: name,
			Secret: base64.RawURLEncoding.EncodeToString(secret),
			Role:   auth.RoleUser,
		}
	}
	return all, nil
}

// loadSeed returns the seed in a file, and creates it if it is missing.
func loadSeed(name string) ([]byte, error) {
	seed, err := os.ReadFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return seed, err
	}
	// Written under another name first: an incomplete seed would be used from then on.
	fresh := name + ".new"
	if err := os.WriteFile(fresh, []byte(rand.Text()), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(fresh, name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

func (a accounts) GetUserAccount(access string) (auth.Account, error) {
	account, ok := a[access]
	if !ok {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return account, nil
}

// ResolveAccounts returns those of the access keys that have no account.
func (a accounts) ResolveAccounts(accessKeys []string) ([]string, error) {
	missing := []string{} // the server distinguishes nil from empty
	for _, access := range accessKeys {
		if _, ok := a[access]; !ok {
			missing = append(missing, access)
		}
	}
	return missing, nil
}

var errFixed = errors.New("accounts are fixed")

func (accounts) CreateAccount(auth.Account) error                  { return errFixed }
func (accounts) UpdateUserAccount(string, auth.MutableProps) error { return errFixed }
func (accounts) DeleteUserAccount(string) error                    { return errFixed }
func (accounts) ListUserAccounts() (all []auth.Account, _ error)   { return nil, errFixed }
func (accounts) Shutdown() error                                   { return nil }
