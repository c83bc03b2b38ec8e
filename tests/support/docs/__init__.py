"""Pages of the documentation, followed as a reader follows them."""
