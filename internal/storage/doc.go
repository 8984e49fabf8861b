// Package storage keeps the objects of an API server in memory: their versions and history, lists and
// pages as of a version, watches with bookmarks and 410, backups. It knows neither HTTP nor kinds, and
// it stores what it is given. faults.Store and the server of the module skifftest are built on it.
//
// The rules are those of the API concepts page of Kubernetes: "Resource versions", "Retrieving large
// results sets in chunks", "Efficient detection of changes", "Watch bookmarks", "Streaming lists".
package storage
