"""Ordinary customers who keep buying, so that there is something to look at.

It lists a dozen products, receives stock, and then places a few orders a second through the
public commands: most are paid, sent off and delivered, some are cancelled, some declined.
"""
