"""Processes and terminals under test, chance with a seed, virtual time."""
