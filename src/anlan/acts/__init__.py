"""What people decide: each act checks, decides and journals through one turn of the flow."""

from anlan.acts.perform import ACTS, perform

__all__ = ["ACTS", "perform"]
