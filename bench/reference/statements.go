// Package reference has the references of the measurements that use the database: the prepared statements of
// queries/*.sql, sent by pgbench or by pgx, without legwork's Go code.
//
// The statements are read from queries/*.sql when bench runs. So when a statement is changed, the reference changes
// with it. A script with a statement that no longer exists fails when it runs.
package reference

import (
	"fmt"
	"regexp"
	"strings"

	"legwork/queries"
)

// Statements are the statements of queries/*.sql by name. Their variables have pgbench's form (:name) instead of
// sqlc's.
type Statements map[string]string

var (
	namedQuery  = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	comment     = regexp.MustCompile(`(?m)^[ \t]*--.*$`)
	nullableArg = regexp.MustCompile(`sqlc\.narg\('?(\w+)'?\)`)
	embedded    = regexp.MustCompile(`sqlc\.embed\((\w+)\)`)
	argument    = regexp.MustCompile(`(^|[^@])@([a-z]\w*)`)
	blanks      = regexp.MustCompile(`\s+`)
)

// LoadStatements reads all queries.
func LoadStatements() (Statements, error) {
	files, err := queries.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := Statements{}
	for _, f := range files {
		raw, err := queries.FS.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		text := string(raw)
		heads := namedQuery.FindAllStringSubmatchIndex(text, -1)
		for i, h := range heads {
			end := len(text)
			if i+1 < len(heads) {
				end = heads[i+1][0]
			}
			sql := comment.ReplaceAllString(text[h[1]:end], "")
			sql = nullableArg.ReplaceAllString(sql, ":$1")
			sql = embedded.ReplaceAllString(sql, "$1.*")
			sql = argument.ReplaceAllString(sql, "$1:$2")
			sql = strings.TrimSuffix(strings.TrimSpace(blanks.ReplaceAllString(sql, " ")), ";")
			all[text[h[2]:h[3]]] = sql
		}
	}
	return all, nil
}

var variable = regexp.MustCompile(`(^|[^:]):([a-z]\w*)`)

// numbered returns a statement for pgx, in which $1 is the first argument, and the names of the arguments in order.
func (all Statements) numbered(name string) (sql string, arguments []string, err error) {
	sql, ok := all[name]
	if !ok {
		return "", nil, errNoStatement(name)
	}
	number := map[string]int{}
	return variable.ReplaceAllStringFunc(sql, func(found string) string {
		before, argument, _ := strings.Cut(found, ":")
		if number[argument] == 0 {
			arguments = append(arguments, argument)
			number[argument] = len(arguments)
		}
		return fmt.Sprintf("%s$%d", before, number[argument])
	}), arguments, nil
}

func errNoStatement(name string) error {
	return fmt.Errorf("bench: queries has no statement %s any more: name its successor in bench/reference", name)
}
