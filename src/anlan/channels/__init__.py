"""How warnings leave: one folder a channel, each with its manifest and its record of quality."""
