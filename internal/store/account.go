package store

// Account reads and writes the data of one account. Code that answers a caller must use it. Its methods never return a
// row of another account: they return research.ErrNotFound for an id that belongs to another account. Store.For returns
// one.
type Account struct {
	s  *Store
	id string
}

// ID returns the account's id.
func (a Account) ID() string { return a.id }

// For returns the view of one account's data.
func (s *Store) For(account string) Account { return Account{s: s, id: account} }
