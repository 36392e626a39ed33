package store

// Worker is the store without accounts, for the processes that run tasks, for clean-up, audit and the stream hub. Its
// methods take the id of any task. Whoever answers a caller must use Store.For instead; the API is given nothing else.
type Worker struct{ *Store }

// Worker gives access to the tasks of all accounts.
func (s *Store) Worker() Worker { return Worker{s} }
