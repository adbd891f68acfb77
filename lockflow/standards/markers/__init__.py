"""Markers as boolean functions (PEP 508): text to decision diagram, exact algebra, canonical text."""
