"""Handlers that workers under test load from a file."""
