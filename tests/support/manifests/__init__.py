"""Manifests for tests: valid, broken on purpose, and written into folders."""
