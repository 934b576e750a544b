"""A disk whose commits take longer: a shared library between Postgres and its fdatasync."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int (*real)(int);

static void wait_longer(void) {
    struct timespec left = {0, NANOSECONDS};
    while (nanosleep(&left, &left) != 0) {}
}

int fdatasync(int file) {
    if (!real) real = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return real(file);
}

static int (*real_fsync)(int);

int fsync(int file) {
    if (!real_fsync) real_fsync = (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return real_fsync(file);
}
"""


class NoCompiler(Exception):
    """The library can't be built; the message says why."""


def build(folder: Path, milliseconds: int) -> Path:
    """The library, to be named in LD_PRELOAD. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("the slow disk needs a C compiler (cc): install one, or skip it")
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE.replace("NANOSECONDS", str(milliseconds * 1_000_000)))
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoCompiler(f"the slow disk can't be built: {done.stderr.strip()}")
    return library
