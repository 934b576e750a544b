"""A payment provider to try things out with: a process of its own, speaking HTTP.

    python -m scripts.provider --port 8400 --database provider.sqlite

It keeps books that survive kill -9 (`GET /report`, and `GET /settlement-report` as CSV), and it can
be told to be slow, down, strict or forgetful (`POST /control`). Tokens: tok_decline, tok_pending,
tok_lost, tok_slow.
"""
