"""Plans at random, and an exact simulation of their jobs under limits within each other."""
