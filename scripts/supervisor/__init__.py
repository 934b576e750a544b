"""A mesh on this machine, kept running: servers, domains, views, provider and metrics page."""
