"""The console in the process of a test, and in a browser: its windows, and a release with something on each page."""
