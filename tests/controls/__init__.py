"""Golden events: bytes as they were once written, which must be readable for ever.

`events/<domain>/<Type>.<dataversion>.json` is one envelope each. A file that is there is
never changed: it stands for what is in people's stores.
"""
