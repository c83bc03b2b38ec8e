"""The real helm, rendered objects, and the commands of documentation pages."""
