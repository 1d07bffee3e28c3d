"""Assess (研判): from observations to findings, from findings to one thread per risk."""

from anlan.kernel_cache import settle

settle()
