"""Readers: one module a kind of file; `isnad.articles` chooses among them and is what others import."""
