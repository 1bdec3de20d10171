"""The record's proof from outside."""
