"""The metrics page: what all services say of themselves, as numbers for Prometheus.

Nothing is measured until somebody asks for the page; then everybody is asked over NATS, as
`trueup status` does it.
"""

PATH = "/metrics"
"""Where it is on its server."""
