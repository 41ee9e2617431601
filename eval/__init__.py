"""The scale: judges a predictions file, whoever made it; `python -m eval runs/arabert`."""
