"""What a view has parked: `parked.<view>.list` and `parked.<view>.retry`, as domains have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bus import parked
from bus.broker.port import Endpoint
from bus.view import View
from bus.views.port import Asks
from bus.views.shared import Shared


def endpoints(view: View, store: Asks, shared: Shared) -> Sequence[Endpoint]:
    """A view has no leader: any of its processes can retry, so one of them answers."""
    found = parked.endpoints(view.name, store, shared.retry)
    return [replace(endpoint, queue="q") for endpoint in found]
