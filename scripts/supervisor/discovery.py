"""What there is to run, found by where it lies: a new folder or file is all it takes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bus.variables import CHECKOUT

_VIEW = re.compile(r"^VIEW\b", re.MULTILINE)


def domains() -> Sequence[str]:
    """Each `domains/<name>/app.py` is a domain's process."""
    return sorted(path.parent.name for path in CHECKOUT.glob("domains/*/app.py"))


def views() -> Sequence[str]:
    """Each `projections/<name>.py` with a VIEW is a view's worker, and so is a folder."""
    files = CHECKOUT.glob("projections/*.py")
    found = [path.stem for path in files if _VIEW.search(path.read_text("utf-8"))]
    folders = CHECKOUT.glob("projections/*/__main__.py")
    return sorted([*found, *(path.parent.name for path in folders)])
