"""Rules that look at more than one series at once, or at events together: they give findings like others."""
