"""Runs until it is told to stop."""

from __future__ import annotations

from bus.broker.nats import NatsBroker
from bus.main import run_until_stopped
from scripts.demo.demo import Demo

if __name__ == "__main__":
    run_until_stopped("demo", lambda settings: Demo(NatsBroker(settings.nats_url, name="demo")))
