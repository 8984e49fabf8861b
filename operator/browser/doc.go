// Package browser has the tests of the live page of package operator in headless Chromium: what it
// shows of an operator on a real control plane, on a phone, in the dark, by the keyboard, and without
// its server. They are a module of their own because the driver of the browser is.
package browser
