"""What can be wrong with a model pack."""


class PackError(Exception):
    """A pack cannot be found, fetched, trusted or loaded. The message says what to do."""


class SourceFailed(Exception):
    """One source did not give the file; the next may."""
