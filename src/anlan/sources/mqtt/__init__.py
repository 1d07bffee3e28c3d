"""Observations from an MQTT broker."""
