"""Targeting: which recipients an alert area reaches."""
