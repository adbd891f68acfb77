"""The words of the field: names, versions, requirements, file names, tags and markers, all of them pure."""
