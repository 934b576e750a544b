"""What goes wrong on a person's machine, as a sentence that says what to do."""

from __future__ import annotations

import errno


class Trouble(Exception):
    """Something outside Trueup is in the way; the message says what to do about it."""


def explained(error: OSError, what: str) -> Trouble:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return Trouble(f"The disk under {what} is full: free some space and try again.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Trouble(
                f"{what} may not be written by this user: change its owner or permissions, "
                "or name another folder in TRUEUP_HOME."
            )
        case errno.ENOTDIR | errno.EEXIST:
            return Trouble(f"{what} is no folder: name another in TRUEUP_HOME.")
        case _:
            return Trouble(f"{what}: {error.strerror or error}.")
