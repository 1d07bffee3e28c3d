"""Event catalogues: earthquakes, deadlines, storms; what a list of single events says about the risk."""
