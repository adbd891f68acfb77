"""Edits of the requirements that people wrote, held as drafts until the lock for them stands."""
