"""Forecasts: their thresholds, their probabilities, their scores, and whether they add up."""
