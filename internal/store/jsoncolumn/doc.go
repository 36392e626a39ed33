// Package jsoncolumn converts values of the domain to the JSON of columns, and back.
package jsoncolumn
