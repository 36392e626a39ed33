// Package lease renews the lease of a worker process, which is its row in the table workers. Other workers take over the
// tasks of a process whose lease has ended.
package lease
