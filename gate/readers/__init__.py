"""Keypads and card readers: what is shown to them, told to the door."""
