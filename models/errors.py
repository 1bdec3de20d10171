"""What can be wrong with a model pack."""


class PackError(Exception):
    """A pack cannot be found, fetched, trusted or loaded. The message says what to do."""


class SourceFailed(Exception):
    """One source did not give a file of a pack, and why, as half a sentence; the next source may."""
