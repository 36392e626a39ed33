// Package planning has what a language model is asked when a deep task plans its sub-questions, and reads its replies.
package planning
