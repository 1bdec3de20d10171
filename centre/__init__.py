"""The centre's side of many gates with one register: the broker, publishing, pairing, and what was revoked at gates.

A centre is a gate without a relay: the same store, console and record, and the right to write the register.
"""
