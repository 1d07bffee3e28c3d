"""Targeting: which recipients an alert area reaches."""

from anlan.kernel_cache import settle

settle()
