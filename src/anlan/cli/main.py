"""The commands and how they end.

Exit codes: 0 done; 1 what was asked for shows a fault (a pack with faults, a broken audit, an
expectation that failed, a value that cannot be recomputed, a case of a register that ended otherwise
than stated); 2 wrong use or unknown name; 3 a store is
unavailable; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from types import FrameType

from cyclopts import App, CycloptsError

from anlan import __version__
from anlan.cli import (
    accounts,
    audit,
    bulletin,
    cap,
    data,
    deliveries,
    demonstrate,
    detection,
    nowcasting,
    packs,
    roster,
    scanning,
    service,
    warnings,
)
from anlan.cli.output import complain
from anlan.model.errors import AnlanError, AuditBroken, PackFault, StoreUnavailable

app = App(
    name="anlan",
    help="From the first observation to the closed incident: monitor, assess, warn, respond, review.",
    version=__version__,
)
app.command(demonstrate.demo)
app.command(service.init)
app.command(service.serve)
app.command(service.doctor)
app.command(data.ingest)
app.command(data.backtest)
app.command(detection.detect)
app.command(nowcasting.nowcast)
app.command(scanning.scan)
app.command(audit.explain)
app.command(packs.app)
app.command(cap.app)
app.command(data.quarantine)
app.command(audit.app)
app.command(accounts.app)
app.command(warnings.app)
app.command(bulletin.app)
app.command(deliveries.app)
app.command(roster.roster)

#: What a command imports and reads (modules, a pack, a journal) stays to its end. Looked through for garbage
#: at Python's own pace, every 700 new objects, that is a quarter of the time that the reading takes.
GARBAGE = (50_000, 20, 50)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. Python ends a process by the signal itself, whatever exit code was returned, once a plain
    KeyboardInterrupt has passed through code that a library runs from C, even if it was caught after."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Interrupted


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    gc.set_threshold(*GARBAGE)
    plain = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ours = plain and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        code = app(
            sys.argv[1:] if arguments is None else arguments,
            exit_on_error=False,
            result_action="return_value",
        )
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads has read enough; what is still in the buffer has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except CycloptsError:
        return 2
    except (PackFault, AuditBroken) as error:
        complain(error)
        return 1
    except StoreUnavailable as error:
        complain(error)
        return 3
    except AnlanError as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    return code if isinstance(code, int) else 0
