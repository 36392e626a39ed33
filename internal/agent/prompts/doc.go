// Package prompts holds what models are told, as templates, and the marks around text from the web.
//
// Text of pages is data: it stands between marks that a page cannot know, and the rules say so.
package prompts
