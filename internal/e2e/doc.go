// Package e2e has the tests that take the library, both adapters and an
// emulator of AWS together.
package e2e
