"""What the api answers, one room a subject."""
