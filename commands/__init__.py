"""The roof: one file a command, with its options, what it calls and what it prints. Nothing imports it."""
