// Package config holds every setting of the programs in one table: its flag,
// its variable, its default, its range and what it means. The programs take
// their flags from the table, docs/configuration.md is generated from it, and
// a test compares the two.
//
// A flag wins over its variable, the variable over the file of package
// configfile, the file over the default.
package config

//go:generate go run ./gen
