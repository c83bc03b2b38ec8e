"""The API as a process of its own, its credentials, and calls of its app without a server."""
