// Package prompts holds the texts that are sent to models, as templates, and the marks around text from the web.
//
// The text of a page is data, not instructions. It stands between marks that the page cannot know, and the
// prompt tells the model so.
package prompts
