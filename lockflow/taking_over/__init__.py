"""What the files of other tools ask for, in the words of pyproject.toml; what they say beside that is told."""
