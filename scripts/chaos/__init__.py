"""Breaks a whole mesh on purpose, under a load of real orders, and proves that nothing is lost.

`python -m scripts.chaos FOLDER` with the folder that holds the orders; see `--help`.
"""
