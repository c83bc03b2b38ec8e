"""Plans at random, an exact simulation of their jobs under limits within each other, and their run in a store."""
