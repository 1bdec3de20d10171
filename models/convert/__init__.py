"""Conversions done once, when a pack is installed."""
