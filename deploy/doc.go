// Package deploy has no code. Its tests check the files of this folder and those around it by which legwork is deployed: the images
// and docker-compose.yml. The chart, the workflows and the release are checked in tools/deploy, whose libraries this module does not need.
package deploy
