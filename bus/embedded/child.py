"""Turns itself into a server: `python child.py PARENT SIGNAL USER COMMAND…`.

The server gets SIGNAL when PARENT dies. USER is `-`, or who to become first: Postgres refuses
to run as root. The one capability that USER keeps lets it reach folders beneath /root.
"""

import contextlib
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT = 1, 8, 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def prctl(*arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(*(ctypes.c_ulong(n) for n in (*arguments, 0, 0, 0, 0)[:5])) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def keep_only(capability: int) -> None:
    """Keeps one capability through the coming exec (capabilities(7), ambient set)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*[1 << capability] * 3, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def become(user: str) -> None:
    account = pwd.getpwnam(user)
    linux = sys.platform == "linux"
    if linux:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if linux:
        # A container may have taken the capability away: then plain permissions must do.
        with contextlib.suppress(OSError):
            keep_only(CAP_DAC_OVERRIDE)


def main(parent: str, signal: str, user: str, *command: str) -> None:
    if user != "-":
        become(user)
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, int(signal))  # after setuid, which clears it
        if os.getppid() != int(parent):
            sys.exit("the parent is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
