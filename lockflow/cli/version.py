"""The version, where it costs nothing to read: the metadata of an installed package takes longer than a no-op run."""

VERSION = "0.1.0"
