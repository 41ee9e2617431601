"""What the figures of a run are read beside: floors, a second reader, other seeds, groups that training left out."""
