"""Respond (处置): activate the plan, keep the clocks, stand down."""
