"""Makes `.venv` what `uv.lock` says, with nothing but a Python: run by environment.sh.

Two at once are safe: the second waits, and then finds everything done.
"""

import fcntl
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A step did not work; the message says what to do."""


def main(root: Path) -> None:
    lock = root / "uv.lock"
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stamp = checksum(lock)
        stamped = root / ".venv" / ".stamp"
        python = root / ".venv" / "bin" / "python"
        if stamped.exists() and stamped.read_text().strip() == stamp and works(python):
            return
        print("Setting up the Python environment (once) …", file=sys.stderr, flush=True)
        if not works(python):
            create(root / ".venv")
        wanted = uv_version(lock)
        if run([str(python), "-m", "uv", "--version"], check=False).split()[1:2] != [wanted]:
            install_uv(python, wanted)
        synchronise(root, python)
        stamped.write_text(stamp + "\n")


def checksum(lock: Path) -> str:
    with lock.open("rb") as content:
        return subprocess.run(
            ["cksum"], stdin=content, capture_output=True, text=True, check=True
        ).stdout.strip()


def works(python: Path) -> bool:
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run([python, "-I", "-c", check], check=False, capture_output=True).returncode
            == 0
        )
    except OSError:
        return False


def uv_version(lock: Path) -> str:
    found = re.search(r'name = "uv"\nversion = "([^"]+)"', lock.read_text())
    if found is None:
        raise Failed("uv.lock names no version of uv: take a fresh copy of it.")
    return found[1]


def create(folder: Path) -> None:
    try:
        venv.create(folder, clear=True, symlinks=True, with_pip=True)
    except subprocess.CalledProcessError:
        raise Failed(
            f"{sys.executable} can't make an environment with pip: install its venv package "
            "(python3-venv on Debian and Ubuntu), or name another Python in TRUEUP_PYTHON."
        ) from None


def install_uv(python: Path, version: str) -> None:
    if run([str(python), "-m", "pip", "--version"], check=False) == "":
        run([str(python), "-m", "ensurepip"])
    run([str(python), "-m", "pip", "install", "--quiet", f"uv=={version}"], fetching=True)


def synchronise(root: Path, python: Path) -> None:
    command = [str(python), "-m", "uv", "sync", "--frozen", "--quiet"]
    run([*command, "--project", str(root), "--python", str(python)], fetching=True)


def run(command: list[str], *, check: bool = True, fetching: bool = False) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    if done.returncode == 0:
        return done.stdout
    if not check:
        return ""
    hint = ""
    if fetching:
        hint = "\nPackages come from PyPI: is there a network, a proxy, a full disk?"
    raise Failed(f"{' '.join(command[1:])} failed:\n{(done.stderr or done.stdout).strip()}{hint}")


def environment() -> dict[str, str]:
    """Without what would lead pip or uv to another environment or another Python. Their
    temporary files stay in the environment: uv leaves a lock among them."""
    cleared = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in cleared}
    if not os.access(kept.get("HOME") or "/nowhere", os.W_OK):
        kept.setdefault("UV_CACHE_DIR", str(ROOT / ".venv" / ".cache"))
    own = {"TMPDIR": str(ROOT / ".venv"), "UV_PYTHON_DOWNLOADS": "never"}
    return {**kept, **own, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


if __name__ == "__main__":
    try:
        main(ROOT)
    except (Failed, OSError) as error:
        sys.exit(str(error))
