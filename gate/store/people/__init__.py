"""The people, their consents and their templates."""
