"""Observations that partners push over HTTP."""
