"""History once more: printed, sent to a subject, or folded into a view on a scratch database."""
