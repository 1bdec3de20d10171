"""From a claim or a command to the relay. Standard library and gpiozero alone: it starts at once and stays up."""
