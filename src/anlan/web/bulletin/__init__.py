"""The public bulletin: what is in force, per place, as files that any web server can hand out."""
