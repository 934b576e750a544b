# Sourced by the scripts beside it: makes the Python environment if it is missing or old.
# Sets `root` (the checkout) and `python`. Prints nothing when there is nothing to do.

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P) || exit 3
python=$root/.venv/bin/python

# The same test as in environment.py: the stamp is the checksum of the lock file.
if ! [ -x "$python" ] || [ "$(cat "$root/.venv/.stamp" 2>/dev/null)" != "$(cksum <"$root/uv.lock")" ]; then
  starter=
  for candidate in ${TRUEUP_PYTHON:+"$TRUEUP_PYTHON"} python3.12 python3.13 python3.11 python3.14 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      starter=$candidate
      break
    fi
  done
  if [ -z "$starter" ]; then
    echo "Trueup needs Python 3.11 or newer: install it, or name it in TRUEUP_PYTHON." >&2
    exit 3
  fi
  "$starter" -I "$root/scripts/environment.py" || exit 3
fi

# Modules are found in the checkout alone, whatever the current folder holds (-P).
export PYTHONPATH="$root"
