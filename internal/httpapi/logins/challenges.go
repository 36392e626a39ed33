package logins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/sealed"
	"legwork/internal/store/identities"
)

// loginCookie is the name of the cookie that links a browser to its login at the OpenID provider or with a passkey.
const loginCookie = "legwork_login"

// errNoChallenge means that this browser has begun no login of the kind, or that it was finished or has expired.
var errNoChallenge = errors.New("there is no such login")

// begin stores the data against which the answer to a login will be checked. It returns the cookie by which take finds
// the data. The data is sealed, because it has secrets.
func (o *Operations) begin(ctx context.Context, kind identities.ChallengeKind, user *uuid.UUID, data []byte) (setCookies, error) {
	secret := token.NewSecret()
	keys, err := o.challengeKeys(secret)
	if err != nil {
		return nil, err
	}
	box, err := keys[0].Seal(data, identities.ChallengePlace(secret.Hash(), kind))
	if err != nil {
		return nil, err
	}
	if err := o.Store.CreateChallenge(ctx, secret.Hash(), kind, user, box); err != nil {
		return nil, err
	}
	return setCookies{o.Cookies.New(o.request(ctx), loginCookie, string(secret), time.Time{})}, nil
}

// take returns the data that begin stored for this browser. It removes the data, so that the data is used only once. It
// returns errNoChallenge when there is none.
func (o *Operations) take(ctx context.Context, kind identities.ChallengeKind) (*uuid.UUID, []byte, error) {
	for _, text := range o.Cookies.Read(o.request(ctx), loginCookie) {
		secret, err := token.ParseSecret(text)
		if err != nil {
			continue
		}
		user, box, err := o.Store.TakeChallenge(ctx, secret.Hash(), kind)
		if errors.Is(err, research.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		data, err := o.open(box, secret, kind)
		return user, data, err
	}
	return nil, nil, errNoChallenge
}

// open opens the sealed data of a challenge, with whichever key it was sealed.
func (o *Operations) open(box []byte, secret token.Secret, kind identities.ChallengeKind) (data []byte, err error) {
	all, err := o.challengeKeys(secret)
	if err != nil {
		return nil, err
	}
	for _, keys := range all {
		data, err = keys.Open(box, identities.ChallengePlace(secret.Hash(), kind))
		if !errors.Is(err, sealed.ErrUnknownKey) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the data of a login cannot be read; set the same LEGWORK_SECRET_KEY in all processes: %w", err)
	}
	return data, nil
}

// challengeKeys returns the keys with which a challenge may be sealed; the first ones seal. Without LEGWORK_SECRET_KEY the
// key is made from the secret in the browser's cookie, of which the database has only the hash.
func (o *Operations) challengeKeys(secret token.Secret) ([]*sealed.Keys, error) {
	own, err := sealed.Parse(string(secret))
	if err != nil {
		return nil, fmt.Errorf("key of a login: %w", err)
	}
	if o.Keys.Ready() {
		return []*sealed.Keys{o.Keys, own}, nil
	}
	return []*sealed.Keys{own}, nil
}
