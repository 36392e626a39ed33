// Package deploy has no code. Its tests check how legwork is deployed and released: the Helm chart, the workflows of GitHub, and the
// configurations of GoReleaser and Renovate. It is a module of its own, because Helm's libraries are larger than legwork.
package deploy
