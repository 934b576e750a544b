"""What happened to one order over all services, and who caused what."""
