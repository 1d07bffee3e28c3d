"""Protocols between the rooms: what a stage may ask of the world."""
