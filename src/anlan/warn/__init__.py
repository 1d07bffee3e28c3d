"""Warn (预警): decide, have approved, publish, deliver, insist on an answer."""
