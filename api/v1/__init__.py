"""The API, one room a subject."""
