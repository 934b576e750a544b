"""A mesh on this machine: servers, domains, views and the provider simulator, kept running."""
