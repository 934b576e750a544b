# Sourced by the scripts beside it: makes the Python environment if it is missing or old.
# Sets `root` (the checkout) and `python`. Prints nothing when there is nothing to do.

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P) || exit 3
python=$root/.venv/bin/python

# The same test as in environment.py: the stamp is the checksum of the lock file.
if ! [ -x "$python" ] || [ "$(cat "$root/.venv/.stamp" 2>/dev/null)" != "$(cksum <"$root/uv.lock")" ]; then
  # The fastest of those that can do it: one built without optimizations, as version managers
  # often build it, takes a third longer for everything.
  trial='
import ensurepip, sys, time, venv
def spin():
    began = time.process_time_ns()
    for number in range(100_000):
        number = number * number % 7
    return time.process_time_ns() - began
print(min(spin() for _ in range(9)) if sys.version_info >= (3, 11) else "")'
  starter= best=
  for candidate in python3.13 python3.12 python3.11 python3.14 python3 python \
    /usr/local/bin/python3 /usr/bin/python3; do
    took=$("${TRUEUP_PYTHON:-$candidate}" -I -c "$trial" 2>/dev/null) || took=
    if [ -n "$took" ] && { [ -z "$best" ] || [ "$took" -lt "$best" ]; }; then
      best=$took starter=${TRUEUP_PYTHON:-$candidate}
    fi
    [ -z "${TRUEUP_PYTHON:-}" ] || break
  done
  if [ -z "$starter" ]; then
    echo "Trueup needs Python 3.11 or newer: install it, or name it in TRUEUP_PYTHON." >&2
    exit 3
  fi
  "$starter" -I "$root/scripts/environment.py" || exit 3
fi

# Modules are found in the checkout alone, whatever the current folder holds (-P).
export PYTHONPATH="$root"
