"""The checks that need no hands. Each is a function of the running gate and a resident; it returns what it saw."""
