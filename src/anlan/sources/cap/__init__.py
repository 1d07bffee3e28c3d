"""Warnings of others, in the Common Alerting Protocol."""
