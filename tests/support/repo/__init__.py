"""The repository's own files, read by the tests that hold its rules."""
