"""Proof that a gate does what it must: by itself on mock pins, and with the installer at the real one."""
