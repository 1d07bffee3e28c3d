"""Assess (研判): from observations to findings, from findings to one thread per risk."""

from pathlib import Path

from anlan.assess.kernel_cache import settle

settle(Path(__file__).parent)
