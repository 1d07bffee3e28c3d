"""anlan (安澜): a risk carried from the first observation to the closed incident."""

__version__ = "0.1.0"
