"""Labelled articles on their way out: rows, file formats, and a journal from which a killed run goes on."""
