package reading

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"legwork/internal/page/reading/dom"
	"legwork/internal/research"
)

// schemaKinds are the schema.org types that tell what kind of source a page is.
var schemaKinds = map[string]research.SourceKind{
	"QAPage": research.SourceForum, "DiscussionForumPosting": research.SourceForum, "Question": research.SourceForum,
	"TechArticle": research.SourceDocs, "APIReference": research.SourceDocs, "HowTo": research.SourceDocs, "SoftwareSourceCode": research.SourceDocs,
	"ScholarlyArticle": research.SourcePrimary, "MedicalScholarlyArticle": research.SourcePrimary, "Legislation": research.SourcePrimary,
	"LegislationObject": research.SourcePrimary, "Dataset": research.SourcePrimary, "GovernmentService": research.SourcePrimary,
	"NewsArticle": research.SourceNews, "ReportageNewsArticle": research.SourceNews, "AnalysisNewsArticle": research.SourceNews,
	"OpinionNewsArticle": research.SourceNews, "BackgroundNewsArticle": research.SourceNews, "ReviewNewsArticle": research.SourceNews,
	"LiveBlogPosting": research.SourceNews,
}

// statedKind keeps the first kind of source that the page states by a schema.org type.
func (f *facts) statedKind(schemaType string) {
	if f.source == "" {
		f.source = schemaKinds[schemaType]
	}
}

// The labels of host names, and the names of folders, that tell what kind of source a page is. They are words that sites
// of any owner use.
var (
	docsLabels  = dom.WordSet("docs doc documentation manual manuals developer developers api reference wiki man learn support help readthedocs")
	docsFolders = dom.WordSet("docs doc documentation manual manuals reference api-reference man manpages guide guides handbook wiki javadoc godoc")
	newsLabels  = dom.WordSet("news nachrichten noticias actualites")
	newsFolders = dom.WordSet("news nachrichten noticias actualites press-release press-releases pressreleases")
	forumLabels = dom.WordSet("forum forums community discuss discourse discussions answers ask boards lists groups")
	forumFolder = dom.WordSet("forum forums questions discussions thread threads viewtopic.php showthread.php topic topics issues")
)

// KindOf tells what kind of source a page is by its address. It returns "" if the address does not tell.
func KindOf(u *url.URL) research.SourceKind {
	host := strings.ToLower(u.Hostname())
	suffix, _ := publicsuffix.PublicSuffix(host)
	if official(suffix, host) {
		return research.SourcePrimary
	}
	labels := strings.Split(strings.TrimSuffix(host, "."+suffix), ".")
	labels = append(labels, strings.Split(suffix, ".")[0]) // of hosts that give each project a name, such as readthedocs.io
	folders := strings.Split(strings.ToLower(strings.Trim(u.Path, "/")), "/")
	has := func(words []string, set map[string]bool) bool {
		return slices.ContainsFunc(words, func(w string) bool { return set[w] })
	}
	switch {
	case has(labels, forumLabels):
		return research.SourceForum
	case has(labels, newsLabels):
		return research.SourceNews
	case has(labels, docsLabels):
		return research.SourceDocs
	case has(folders, forumFolder):
		return research.SourceForum
	case has(folders, docsFolders):
		return research.SourceDocs
	case has(folders, newsFolders):
		return research.SourceNews
	}
	return ""
}

// official reports whether a host belongs to a public authority: the domains gov, mil and int, and their counterparts
// below the domains of countries, such as gov.uk.
func official(suffix, host string) bool {
	for _, name := range []string{suffix, host} {
		labels := strings.Split(name, ".")
		if n := len(labels); n > 2 {
			labels = labels[n-2:]
		}
		for i, l := range labels {
			switch last := i == len(labels)-1; {
			case last && (l == "gov" || l == "mil" || l == "int"), !last && len(labels[i+1]) == 2 && (l == "gov" || l == "gob" || l == "gouv" || l == "gv" || l == "mil"):
				return true
			}
		}
	}
	return false
}
