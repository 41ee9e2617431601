"""The report of `python -m eval RUN…`: `command` reads and weighs, `build` writes what the other modules render."""
