"""The record: its lines, its anchors outside, and what is read from it."""
