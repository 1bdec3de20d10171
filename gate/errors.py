"""Errors whose message is one sentence for the person at the keyboard."""


class FacegateError(Exception):
    """Something a person can mend; the message says what to do."""


class UsageError(FacegateError):
    """Wrong use: exit code 2."""


class Refusal(FacegateError):
    """The answer is no: exit code 1."""
