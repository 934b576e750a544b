"""How the processes of a mesh share the processors of one machine."""

from __future__ import annotations

import os
from contextlib import suppress


def interrupt_nobody() -> None:
    """From now on neither this process nor what it starts takes the processor from another one
    of its kind when it is woken.

    A mesh is many processes that wake each other with every message. Where they fill the
    machine, a receiver would stop its sender halfway again and again, and both would lose what
    they have in the processor's caches. A machine with processors to spare takes no notice.
    Linux only (https://man7.org/linux/man-pages/man7/sched.7.html, SCHED_BATCH).
    """
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(OSError):  # a sandbox may forbid it; all works without
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
