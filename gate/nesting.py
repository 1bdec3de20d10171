"""How deep lists and objects lie in one another: JSON nests as deep as its writer likes, its readers do not. Pure."""

from __future__ import annotations

# Nothing that this house writes lies deeper than four.
MOST = 32


def nests_too_deep(value: object) -> bool:
    """Whether more than `MOST` lists and objects lie in one another. It is found without recursion.

    >>> nests_too_deep([{"a": [1]}])
    False
    """
    level = [value]
    for _ in range(MOST + 1):
        containers = [one for one in level if isinstance(one, dict | list)]
        level = [inner for one in containers for inner in (one.values() if isinstance(one, dict) else one)]
        if not containers:
            return False
    return True
