package store

// Worker reads and writes the data of all accounts. It is for runs of tasks, clean-up, audit and the stream hub. Code
// that answers a caller must use Store.For instead. So the API has no Worker.
type Worker struct{ *Store }

// Worker returns the view of all accounts' data.
func (s *Store) Worker() Worker { return Worker{s} }
