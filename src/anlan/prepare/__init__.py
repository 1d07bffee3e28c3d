"""Prepare: the standing base that the loop rests on. Lessons come back here as items of work."""
