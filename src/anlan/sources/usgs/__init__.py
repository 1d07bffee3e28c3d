"""Earthquake feeds in the GeoJSON form of the United States Geological Survey."""
