"""Frozen values: the nouns of the system. No I/O, no third-party imports."""
