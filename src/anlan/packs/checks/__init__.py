"""Checks across a resolved pack: each function looks at one thing and gives its faults."""
