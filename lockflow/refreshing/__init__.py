"""The rounds of a refresh: what would be lost, what is held back for it, and what is told of it."""
