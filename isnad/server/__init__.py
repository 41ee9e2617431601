"""`isnad serve`: the page and the API on one address, by FastAPI and uvicorn."""
