"""Keeping a gate well: what is saved, what comes back, and what must not."""
