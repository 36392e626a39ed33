package store

// Account reads and writes what belongs to one account. It is the only way to a caller's data: nothing here returns a row
// of another account, and what belongs to somebody else is research.ErrNotFound. Make one with Store.For.
type Account struct {
	s  *Store
	id string
}

// ID is the account's name.
func (a Account) ID() string { return a.id }

// For gives the data of an account.
func (s *Store) For(account string) Account { return Account{s: s, id: account} }
