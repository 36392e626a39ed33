// Package prompts has the templates of the texts that are sent to models, and the tag that is put around text from the
// web.
//
// The text of a page is data, not instructions. It is put inside a tag whose name the page cannot know, and the prompt explains
// this to the model.
package prompts
