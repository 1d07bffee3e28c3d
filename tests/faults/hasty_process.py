"""A command of anlan that waits for a journal under lock a second and a half, where it would ten. Arguments:
the command's."""

from __future__ import annotations

import sys

from anlan.cli import main
from anlan.store.journal import SqlJournal

if __name__ == "__main__":
    SqlJournal.__init__.__kwdefaults__["wait"] = 1.5
    sys.exit(main())
