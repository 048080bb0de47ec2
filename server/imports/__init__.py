"""Imports that somebody begins in the browser: files that arrive in parts, a look at them, and the run of a worker."""
