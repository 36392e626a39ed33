package questions

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Check compares questions with their manual and returns a sentence for each defect: a listed page that does not exist or
// contains no accepted text, an accepted text that no listed page contains, a place that is not unique, and an
// unanswerable question with a text that the manual has.
func Check(docs fs.FS, all []Question) []string {
	m := manual{docs: docs, texts: map[string]string{}}
	var defects []string
	for _, q := range all {
		report := func(format string, args ...any) {
			defects = append(defects, q.ID+": "+fmt.Sprintf(format, args...))
		}
		if _, err := fs.Stat(docs, q.Seed); err != nil {
			report("seed: %v", err)
		}
		for _, part := range q.Gold() {
			m.checkPart(part, report)
		}
		if q.Kind == Unanswerable {
			for _, p := range q.Pages {
				if _, err := m.text(p); err != nil {
					report("page: %v", err)
				}
			}
		}
		if q.Plant != nil {
			if text, err := m.text(q.Plant.Page); err != nil {
				report("page of the plant: %v", err)
			} else if strings.Contains(text, Normalise(q.Plant.Canary)) {
				report("the page of the plant has the canary %q already", q.Plant.Canary)
			}
		}
	}
	return append(defects, m.checkAbsent(all)...)
}

// manual reads the pages of a manual as normalised visible texts.
type manual struct {
	docs  fs.FS
	texts map[string]string
}

func (m *manual) text(name string) (string, error) {
	if t, ok := m.texts[name]; ok {
		return t, nil
	}
	raw, err := fs.ReadFile(m.docs, name)
	if err != nil {
		return "", err
	}
	t, err := VisibleText(bytes.NewReader(raw))
	m.texts[name] = Normalise(t)
	return m.texts[name], err
}

func (m *manual) checkPart(part Part, report func(format string, args ...any)) {
	used := make([]bool, len(part.Accept))
	for _, p := range part.Pages {
		text, err := m.text(p)
		if err != nil {
			report("page: %v", err)
			continue
		}
		held := false
		for i, a := range part.Accept {
			if strings.Contains(text, Normalise(a)) {
				used[i], held = true, true
			}
		}
		if !held {
			report("%s holds none of the accepted texts", path.Base(p))
		}
		if part.After != "" && held {
			checkPlace(text, path.Base(p), part, report)
		}
	}
	for i, ok := range used {
		if !ok {
			report("no listed page holds %q", part.Accept[i])
		}
	}
}

// checkPlace checks that the accepted text occurs several times on its page, and that the text before the right
// occurrence stands there once.
func checkPlace(text, page string, part Part, report func(format string, args ...any)) {
	accept, after := Normalise(part.Accept[0]), Normalise(part.After)
	if n := strings.Count(text, accept); n < 2 {
		report("%s has %q only once, so its place is no question", page, part.Accept[0])
	}
	at := strings.Index(text, after)
	switch {
	case strings.Count(text, after) != 1:
		report("%s has %q %d times, and it must stand there once", page, part.After, strings.Count(text, after))
	case !strings.Contains(text[at+len(after):], accept):
		report("%s does not have %q after %q", page, part.Accept[0], part.After)
	}
}

// checkAbsent looks for the absent texts of the unanswerable questions on all HTML pages of the manual.
func (m *manual) checkAbsent(all []Question) []string {
	if !slices.ContainsFunc(all, func(q Question) bool { return len(q.Absent) > 0 }) {
		return nil
	}
	var defects []string
	err := m.eachPage(".", 0, func(name string) error {
		text, err := m.text(name)
		if err != nil {
			return err
		}
		delete(m.texts, name) // a manual may have thousands of pages
		for _, q := range all {
			for _, a := range q.Absent {
				if strings.Contains(text, Normalise(a)) {
					defects = append(defects, fmt.Sprintf("%s: %s has the text %q, which the manual must not have", q.ID, name, a))
				}
			}
		}
		return nil
	})
	if err != nil {
		defects = append(defects, err.Error())
	}
	return defects
}

// maxDepth is the greatest number of folders inside each other, so that links that lead back end somewhere.
const maxDepth = 12

// eachPage calls visit for the HTML files in a folder and the folders in it. Debian's manuals have links to folders, which
// are followed. Links to files lead to other pages of the same manual, which are visited there.
func (m *manual) eachPage(folder string, depth int, visit func(name string) error) error {
	entries, err := fs.ReadDir(m.docs, folder)
	if err != nil || depth > maxDepth {
		return err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		info, err := fs.Stat(m.docs, name)
		switch {
		case err != nil: // a link to a file of a package that is not installed
		case info.IsDir():
			err = m.eachPage(name, depth+1, visit)
			if err != nil {
				return err
			}
		case e.Type().IsRegular() && strings.HasSuffix(name, ".html"):
			if err := visit(name); err != nil {
				return err
			}
		}
	}
	return nil
}
