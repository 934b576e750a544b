"""Payments' process: `python -m domains.payments.app`."""

from bus.process import run
from bus.settings import Settings
from domains.payments.answers import AskProvider
from domains.payments.domain import DOMAIN
from domains.payments.http_provider import HttpProvider


def outside(settings: Settings) -> AskProvider:
    return AskProvider(HttpProvider(settings.provider_url))


if __name__ == "__main__":
    run(DOMAIN, outside)
